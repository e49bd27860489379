import { describe, test } from "bun:test";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { until } from "../helpers/wait.ts";
import { answerWith, fieldValues, leavesNothing, rawClient, rawPod, rawRequest, startRig } from "./helpers.ts";

leavesNothing();

/** A gateway in front of one raw pod. */
async function behind(answer: Parameters<typeof rawPod>[0], options: Parameters<typeof startRig>[0] = {}) {
  const pod = await rawPod(answer);
  return { pod, rig: startRig({ pods: [pod.port], ...options }) };
}
const get = (path: string, ...lines: string[]): string =>
  [`GET ${path} HTTP/1.1`, "Host: shop.test", ...lines, "", ""].join("\r\n");

describe("answers reach the client as the pod sent them", () => {
  test("bodies gzip, br, zstd, deflate and plain arrive byte for byte with their headers", async () => {
    const plain = Buffer.from("héllo wörld ".repeat(50));
    const coded: Record<string, Buffer> = {
      gzip: gzipSync(plain),
      br: brotliCompressSync(plain),
      zstd: zstdCompressSync(plain),
      deflate: deflateSync(plain),
      identity: plain,
    };
    const { rig } = await behind((socket, request) => {
      const body = coded[request.split(" ")[1]!.slice(1)]!;
      const coding = request.startsWith("GET /identity")
        ? ""
        : `content-encoding: ${request.split(" ")[1]!.slice(1)}\r\n`;
      socket.write(`HTTP/1.1 200 OK\r\n${coding}content-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n`);
      socket.write(body);
    });
    for (const [name, body] of Object.entries(coded)) {
      const answer = await rawRequest(rig.port, get(`/${name}`));
      assertEquals(fieldValues(answer, "content-encoding"), name === "identity" ? [] : [name]);
      const text = answer.slice(answer.indexOf("\r\n\r\n") + 4);
      const bytes = Buffer.from(text, "latin1");
      const chunked = fieldValues(answer, "transfer-encoding").length > 0;
      assert(chunked ? bytes.includes(body) : bytes.equals(body), `${name} was changed`);
    }
  });

  test("three cookies stay three lines, one with a comma in its date", async () => {
    const cookies = ["a=1; Expires=Thu, 07 Aug 2025 17:02:23 GMT", "b=2; Path=/", "c=3"];
    const { rig } = await behind((socket) =>
      socket.write(answerWith("ok", ...cookies.map((line) => `Set-Cookie: ${line}`))),
    );
    assertEquals(fieldValues(await rawRequest(rig.port, get("/")), "set-cookie"), cookies);
  });

  test("redirects are the client's to follow: one request upstream, Location untouched", async () => {
    const { pod, rig } = await behind((socket, request) => {
      const status = request.split(" ")[1]!.slice(1);
      socket.write(`HTTP/1.1 ${status} R\r\nlocation: http://other.test/a?b#c\r\ncontent-length: 0\r\n\r\n`);
    });
    for (const status of [301, 302, 303, 307, 308]) {
      const answer = await rawRequest(rig.port, get(`/${status}`));
      assertMatch(answer, new RegExp(`^HTTP/1.1 ${status} `));
      assertEquals(fieldValues(answer, "location"), ["http://other.test/a?b#c"]);
    }
    assertEquals(pod.requests.length, 5);
  });

  test("HEAD tells the pod's length or none, never 0; 204 and 304 have no made-up length", async () => {
    const heads: Record<string, string> = {
      "/known": 'HTTP/1.1 200 OK\r\netag: "e"\r\ncontent-length: 77\r\n\r\n',
      "/unknown": 'HTTP/1.1 200 OK\r\netag: "e"\r\n\r\n',
      "/chunked": 'HTTP/1.1 200 OK\r\netag: "e"\r\ntransfer-encoding: chunked\r\n\r\n',
      "/304": 'HTTP/1.1 304 Not Modified\r\netag: "e"\r\ncontent-length: 77\r\n\r\n',
      "/304bare": 'HTTP/1.1 304 Not Modified\r\netag: "e"\r\n\r\n',
      "/204": 'HTTP/1.1 204 No Content\r\netag: "e"\r\n\r\n',
    };
    const { rig } = await behind((socket, request) => socket.write(heads[request.split(" ")[1]!]!));
    const lengthOf = async (method: string, path: string) => {
      const answer = await rawRequest(rig.port, get(path).replace("GET", method));
      assertEquals(fieldValues(answer, "etag"), ['"e"']);
      return fieldValues(answer, "content-length");
    };
    assertEquals(await lengthOf("HEAD", "/known"), ["77"]);
    assertEquals(await lengthOf("HEAD", "/unknown"), []);
    assertEquals(await lengthOf("HEAD", "/chunked"), []);
    assertEquals(await lengthOf("GET", "/304"), ["77"]);
    assertEquals(await lengthOf("GET", "/304bare"), []);
    assertEquals(await lengthOf("GET", "/204"), []);
  });

  test("an answer the pod gives at once keeps its length", async () => {
    const { rig } = await behind((socket) => socket.write(answerWith("hello")));
    const answer = await rawRequest(rig.port, get("/"));
    assertEquals(fieldValues(answer, "content-length"), ["5"]);
    assert(answer.endsWith("\r\n\r\nhello"));
  });

  test("an event stream arrives event by event", async () => {
    let pipe: import("node:net").Socket | undefined;
    const { rig } = await behind((socket) => {
      pipe = socket;
      socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
    });
    const client = await rawClient(rig.port, get("/events"));
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      await until(() => pipe !== undefined, "the pod to be asked");
      pipe!.write(`${event.length.toString(16)}\r\n${event}\r\n`);
      await until(() => client.received().includes(event), event);
    }
    client.socket.destroy();
  });

  test("an answer that breaks off half way is seen to break off", async () => {
    const { rig } = await behind((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc");
      setTimeout(() => socket.resetAndDestroy(), 50);
    });
    const client = await rawClient(rig.port, get("/"));
    await until(client.closed, "the connection to end");
    assert(!client.received().endsWith("0\r\n\r\n"), "a cut answer looked whole");
  });
});

describe("request bodies", () => {
  test("a body is streamed as it comes, with its length", async () => {
    const parts: string[] = [];
    const { pod, rig } = await behind((socket) => {
      socket.removeAllListeners("data");
      socket.on("data", (data) => {
        parts.push(data.toString());
        if (parts.join("").endsWith("last")) socket.write(answerWith("done"));
      });
    });
    const client = await rawClient(rig.port, "POST /up HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 9\r\n\r\n");
    await until(() => pod.requests.length === 1, "the head to arrive before the body");
    client.send("first");
    await until(() => parts.join("") === "first", "the first part");
    client.send("last");
    await until(() => client.received().endsWith("done"), "the answer");
    assertEquals(fieldValues(pod.requests[0]!, "content-length"), ["9"]);
    client.socket.destroy();
  });

  test("a chunked body stays chunked", async () => {
    const { pod, rig } = await behind((socket, request) => {
      if (request.includes("\r\n\r\n5\r\nhello\r\n0\r\n\r\n")) socket.write(answerWith("ok"));
      else socket.on("data", (data) => data.toString().endsWith("0\r\n\r\n") && socket.write(answerWith("ok")));
    });
    const sent = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assertMatch(await rawRequest(rig.port, sent), /^HTTP\/1.1 200 /);
    assertEquals(fieldValues(pod.requests[0]!, "transfer-encoding"), ["chunked"]);
    assertEquals(fieldValues(pod.requests[0]!, "content-length"), []);
  });

  test("an answer given while the client still uploads reaches it", async () => {
    const { rig } = await behind((socket) => {
      socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig");
    });
    const client = await rawClient(rig.port, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\nhello");
    await until(() => client.received().endsWith("big"), "the early answer");
    assertMatch(client.received(), /^HTTP\/1.1 413 /);
    client.socket.destroy();
  });

  test("a chunked body beyond the limit is answered 413", async () => {
    const { rig } = await behind(() => {}, { bodyBytes: 1000 });
    const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const client = await rawClient(rig.port, `${head}320\r\n${"x".repeat(800)}\r\n`);
    client.send(`320\r\n${"x".repeat(800)}\r\n`);
    await until(() => client.received().includes("body_too_large"), "the refusal");
    assertMatch(client.received(), /^HTTP\/1.1 413 /);
    client.socket.destroy();
  });

  test("a length beyond the route's limit is answered 413 before a pod is asked; one that fits passes", async () => {
    for (const [length, wanted] of [
      [11, "body_too_large"],
      [10, "fine"],
    ] as const) {
      const { rig, pod } = await behind((socket) => socket.write(answerWith("fine")), {
        bodyBytes: 1000,
        route: { bodyBytes: 10 },
      });
      const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
      const client = await rawClient(rig.port, `${head}${"x".repeat(length)}`);
      await until(() => client.received().includes(wanted), wanted);
      assertEquals(pod.requests.length, wanted === "fine" ? 1 : 0);
      client.socket.destroy();
    }
  });

  test("a large upload passes whole, and slow ones are not cut while they move", async () => {
    const size = 5_000_000;
    let got = 0;
    const { rig } = await behind(
      (socket, request) => {
        got = request.length - request.indexOf("\r\n\r\n") - 4;
        socket.removeAllListeners("data");
        socket.on("data", (data) => {
          got += data.length;
          if (got === size) socket.write(answerWith("all"));
        });
      },
      { rule: { timeouts: { connect: 0, response: 400, idle: 0 } } },
    );
    const client = await rawClient(rig.port, `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
    for (let sent = 0; sent < size; sent += 500_000) {
      client.send("x".repeat(500_000));
      await Bun.sleep(80); // slower in all than the time-out, never as slow in one piece
    }
    await until(() => client.received().endsWith("all"), "the answer");
    client.socket.destroy();
  });

  test("a client that waits to be asked for its body is asked by the pod alone", async () => {
    let go = (): void => {};
    const { pod, rig } = await behind((socket, request) => {
      go = () => void socket.write("HTTP/1.1 100 Go on\r\n\r\n");
      if (request.endsWith("\r\n\r\n")) socket.once("data", () => socket.write(answerWith("ok")));
    });
    const client = await rawClient(
      rig.port,
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    );
    await until(() => pod.requests.length === 1, "the pod's own head");
    assertEquals(fieldValues(pod.requests[0]!, "expect"), ["100-continue"]);
    assertEquals(client.received(), "");
    go();
    await until(() => client.received() === "HTTP/1.1 100 Go on\r\n\r\n", "the pod's 100");
    client.send("hello");
    await until(() => client.received().endsWith("ok"), "the answer");
    client.socket.destroy();
  });

  test("a body that the pod does not ask for is not sent, and its connection ends with the answer", async () => {
    const { pod, rig } = await behind((socket) => socket.write(answerWith("no")));
    const head = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    const client = await rawClient(rig.port, head);
    await until(() => client.closed(), "the end of the connection");
    assertMatch(client.received(), /^HTTP\/1.1 200 [\s\S]*\r\n\r\nno$/);
    await until(() => pod.open() === 0, "the end of the pod's connection");
    assertEquals(pod.requests.length, 1);
  });

  test("a pod that never asks for the body has had its time, not its client's", async () => {
    const silent = await rawPod(() => {});
    const rig = startRig({
      pods: [silent.port],
      rule: { timeouts: { response: 300 } },
      bodyRate: 1000,
      bodyWindow: 100,
    });
    const head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    assertMatch(await rawRequest(rig.port, head), /^HTTP\/1.1 504 /);
  });

  test("an expectation that the gateway does not know is a 417", async () => {
    const { pod, rig } = await behind((socket) => socket.write(answerWith("ok")));
    const answer = await rawRequest(rig.port, get("/", "Expect: a-miracle"));
    assertMatch(answer, /^HTTP\/1.1 417 [\s\S]*"code":"expectation_failed"/);
    assertEquals(pod.requests, []);
  });

  test("interim answers come before the answer, as the pod sent them", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    const { rig } = await behind((socket) => socket.write(hints + answerWith("ok")));
    const client = await rawClient(rig.port, get("/"));
    await until(() => client.received().endsWith("ok"), "the answer");
    assertEquals(client.received().startsWith(`${hints}HTTP/1.1 200 `), true);
  });

  test("what stands behind a body goes with it both ways, but for what no one may say there", async () => {
    const { pod, rig } = await behind((socket) =>
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Down: 1\r\n\r\n"),
    );
    const body = "2\r\nhi\r\n0\r\nX-Up: 1\r\nX-Forwarded-For: 6.6.6.6\r\nX-Consumer-Name: me\r\n\r\n";
    const client = await rawClient(rig.port, `PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    await until(
      () => client.received().endsWith("\r\n\r\n0\r\nX-Down: 1\r\n\r\n") || client.received().includes("X-Down"),
      "it all",
    );
    assertMatch(client.received(), /2\r\nok\r\n0\r\nX-Down: 1\r\n\r\n$/);
    assertMatch(pod.requests[0]!, /2\r\nhi\r\n0\r\nX-Up: 1\r\n\r\n$/);
  });

  test("a GET has its body, and an answer's length to HEAD stays unknown", async () => {
    const { pod, rig } = await behind((socket) => socket.write("HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n"));
    const head = await rawRequest(rig.port, "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    assertMatch(pod.requests[0]!, /\r\nContent-Length: 2\r\n[\s\S]*\r\n\r\nhi$/i);
    assertEquals([fieldValues(head, "content-length"), fieldValues(head, "transfer-encoding")], [[], []]);
  });

  test("gRPC is refused in words, gRPC-web passes", async () => {
    const { rig } = await behind((socket) => socket.write(answerWith("ok")));
    const call = (type: string) => fetch(rig.url, { method: "POST", body: "x", headers: { "content-type": type } });
    const refused = await call("application/grpc+proto");
    assertEquals([refused.status, ((await refused.json()) as { code: string }).code], [501, "not_supported"]);
    assertEquals((await call("application/grpc-web+proto")).status, 200);
    assertEquals((await call("application/connect+json")).status, 200);
  });
});

describe("upgrades", () => {
  test("one the gateway does not know is ignored and the request answered, as RFC 9110 allows", async () => {
    const { pod, rig } = await behind((socket) => socket.write(answerWith("ok")));
    const answer = await rawRequest(
      rig.port,
      get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"),
    );
    assertMatch(answer, /^HTTP\/1.1 200 /);
    for (const name of ["upgrade", "http2-settings"]) assertEquals(fieldValues(pod.requests[0]!, name), []);
  });
});

describe("paths and hosts", () => {
  test("odd paths reach the chosen pod byte for byte or are refused", async () => {
    const { pod, rig } = await behind((socket) => socket.write(answerWith("ok")));
    const same = [
      "/a%2Fb",
      "/a;v=1/b",
      "/a+b",
      "/a%20b",
      "/%E4%BD%A0",
      "/a//b",
      "/a/%2e%2e%2fb",
      "/?",
      "/?a=b&&c",
      "/a?x=/../y",
      "/a?u=http://evil.test/",
      "/@evil.test/",
      "/:80/",
      "/a:b@c",
      "/~x'(1)*!,$",
      "/a|b",
      "/a?%",
      "//10.0.0.1/x",
      "//evil.test",
      "///x",
    ];
    for (const path of same) {
      pod.requests.length = 0;
      const answer = await rawRequest(rig.port, get(path));
      assertMatch(answer, /^HTTP\/1.1 200 /, path);
      assertStringIncludes(pod.requests[0]!, `GET ${path} HTTP/1.1\r\n`);
      assertEquals(fieldValues(pod.requests[0]!, "host"), ["shop.test"]);
    }
    pod.requests.length = 0;
    for (const path of ["/%00", "/a%0ab", "/a%7fb", "/a#b", "*"]) {
      assertMatch(await rawRequest(rig.port, get(path)), /^HTTP\/1.1 400 /, path);
    }
    assertEquals(pod.requests.length, 0);
    // An absolute target names no other authority than the pod.
    assertMatch(await rawRequest(rig.port, get("http://evil.test/x")), /^HTTP\/1.1 200 /);
    assertStringIncludes(pod.requests[0]!, "GET /x HTTP/1.1\r\n");
  });

  test("a rewrite that makes another authority or climbs out is refused", async () => {
    const { pod, rig } = await behind((socket) => socket.write(answerWith("ok")), {
      route: { rewrite: (path) => decodeURIComponent(path.slice("/v1".length)) },
    });
    for (const path of ["/v1/%2Fevil.test", "/v1//evil.test", "/v1/a/%2e%2e%2fb", "/v1/a%5Cb", "/v1", "/v1/a%3Fb"]) {
      assertMatch(await rawRequest(rig.port, get(path)), /^HTTP\/1.1 400 /, path);
    }
    assertEquals(pod.requests.length, 0);
    assertMatch(await rawRequest(rig.port, get("/v1/fine")), /^HTTP\/1.1 200 /);
  });

  test("the Host header is the client's, the pod's or a fixed one, as the route says", async () => {
    const wanted = { pass: "shop.test", rewrite: "internal.test" } as const;
    for (const pass_host of ["pass", "node", "rewrite"] as const) {
      const rule = { pass_host, ...(pass_host === "rewrite" ? { upstream_host: "internal.test" } : {}) };
      const { pod, rig } = await behind((socket) => socket.write(answerWith("ok")), { rule });
      await rawRequest(rig.port, get("/"));
      const expected = pass_host === "node" ? `127.0.0.1:${pod.port}` : wanted[pass_host];
      assertEquals(fieldValues(pod.requests[0]!, "host"), [expected]);
      assertEquals(fieldValues(pod.requests[0]!, "x-forwarded-host"), ["shop.test"]);
    }
  });

  test("what the runtime's server lets through of smuggling shapes never reaches a pod", async () => {
    const { pod, rig } = await behind((socket) => socket.write(answerWith("ok")));
    const post = (lines: string, body: string) => `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${body}`;
    const shapes = [
      post("Content-Length: 3\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
      post("Transfer-Encoding: ,chunked", "0\r\n\r\n"),
      post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"),
      post("Transfer-Encoding: identity\r\nContent-Length: 3", "abc"),
      post("Content-Length: 3\r\nContent-Length: 4", "abcd"),
      post("Content-Length: 3\r\nContent-Length: 3", "abc"),
      post("Content-Length: +3", "abc"),
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n",
    ];
    for (const shape of shapes)
      assertMatch(await rawRequest(rig.port, shape), /^HTTP\/1.1 400 /, JSON.stringify(shape));
    assertEquals(pod.requests.length, 0);
  });
});
