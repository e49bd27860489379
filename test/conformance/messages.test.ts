import { afterAll, beforeAll, beforeEach, describe, test } from "bun:test";
import { createHash } from "node:crypto";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type GatewayProcess, startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { answerWith, fieldValues, headLines, type RawPod, rawClient, rawPod, rawRequest } from "../proxy/helpers.ts";
import { parseAnswers, portOf } from "./support.ts";

const sha = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");
const plain = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `line ${i} of ünïcode text\n`).join(""));
const CODED: Record<string, Buffer> = {
  gzip: gzipSync(plain),
  br: brotliCompressSync(plain),
  zstd: zstdCompressSync(plain),
  deflate: deflateSync(plain),
  identity: plain,
};

const COOKIES = ["a=1; Expires=Thu, 07 Aug 2025 17:02:23 GMT; HttpOnly", "b=2; Path=/", "c=3"];
/** Answers by the path asked for; a number in it is a status. */
const ANSWERS: Readonly<Record<string, string>> = {
  "/cookies": answerWith("ok", ...COOKIES.map((line) => `Set-Cookie: ${line}`)),
  "/known": 'HTTP/1.1 200 OK\r\netag: "e"\r\ncontent-length: 77\r\n\r\n',
  "/unknown": 'HTTP/1.1 200 OK\r\netag: "e"\r\ntransfer-encoding: chunked\r\n\r\n',
  "/304": 'HTTP/1.1 304 Not Modified\r\netag: "e"\r\ncontent-length: 77\r\n\r\n',
  "/204": 'HTTP/1.1 204 No Content\r\netag: "e"\r\n\r\n',
  "/early-hints": `HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n${answerWith("ok")}`,
  "/trailers":
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n",
  "/reason": "HTTP/1.1 404 Nothing Of That Name\r\ncontent-length: 0\r\n\r\n",
  "/typeless": answerWith("ok"),
  "/odd-status": "HTTP/1.1 299 Odd\r\ncontent-length: 0\r\n\r\n",
  "/unasked-upgrade": "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
  "/twice": "HTTP/1.1 200 OK\r\nx-a: 1\r\nx-a: 2\r\nx-b: \xe9\r\ncontent-length: 0\r\n\r\n",
  "/silent": "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
};

let pod: RawPod;
let gateway: GatewayProcess;
let trusting: GatewayProcess;
beforeAll(async () => {
  pod = await rawPod((socket, request) => {
    const path = request.split(" ")[1]!;
    const [, coding] = /^\/coded\/(\w+)$/.exec(path) ?? [];
    const [, redirect] = /^\/redirect\/(\d+)$/.exec(path) ?? [];
    if (coding !== undefined) {
      const body = CODED[coding]!;
      const field = coding === "identity" ? "" : `content-encoding: ${coding}\r\n`;
      socket.write(`HTTP/1.1 200 OK\r\n${field}content-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n`);
      socket.write(body);
    } else if (redirect !== undefined) {
      socket.write(`HTTP/1.1 ${redirect} R\r\nlocation: http://other.test/a?b#c\r\ncontent-length: 0\r\n\r\n`);
    } else if (path === "/in-two") {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfo");
      setTimeout(() => socket.write("ur"), 100);
    } else socket.write(ANSWERS[path] ?? answerWith("ok"), "latin1");
  });
  const nodes = [{ host: "127.0.0.1", port: pod.port, weight: 1 }];
  const config = (server: object): object => ({
    server: { listen: "127.0.0.1:0", access_log: false, ...server },
    admin: false,
    routes: [
      { path: "/", nodes },
      { path: "/host/node", nodes, pass_host: "node" },
      { path: "/host/rewrite", nodes, pass_host: "rewrite", upstream_host: "internal.test" },
    ],
  });
  [gateway, trusting] = await Promise.all([
    startGateway({ config: config({}) }),
    startGateway({ config: config({ trusted_proxies: ["127.0.0.0/8"] }) }),
  ]);
});
beforeEach(() => {
  pod.requests.length = 0;
});
afterAll(async () => {
  await Promise.all([gateway.stop(), trusting.stop()]);
  pod.stop();
});

const ask = (path: string, lines: readonly string[] = [], { method = "GET", from = gateway } = {}): Promise<string> =>
  rawRequest(portOf(from), [`${method} ${path} HTTP/1.1`, "Host: shop.test", ...lines, "", ""].join("\r\n"));

describe("an answer", () => {
  for (const [coding, body] of Object.entries(CODED)) {
    test(`of ${coding} arrives byte for byte, its headers consistent with it`, async () => {
      const answer = await ask(`/coded/${coding}`, [`Accept-Encoding: ${coding}`]);
      const [parsed] = parseAnswers(answer);
      assertEquals(sha(Buffer.from(parsed!.body, "latin1")), sha(body));
      assertEquals(fieldValues(answer, "content-encoding"), coding === "identity" ? [] : [coding]);
      const lengths = fieldValues(answer, "content-length");
      assert(lengths.length === 0 || lengths[0] === String(body.length), `content-length: ${lengths}`);
      assertEquals(lengths.length + fieldValues(answer, "transfer-encoding").length, 1);
    });
  }

  test("keeps its three cookies on three lines, one with a comma in its date", async () => {
    assertEquals(fieldValues(await ask("/cookies"), "set-cookie"), COOKIES);
  });

  test("that redirects is the client's to follow, after one request upstream", async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      pod.requests.length = 0;
      const answer = await ask(`/redirect/${status}`);
      assertMatch(answer, new RegExp(`^HTTP/1.1 ${status} `));
      assertEquals(fieldValues(answer, "location"), ["http://other.test/a?b#c"]);
      assertEquals(pod.requests.length, 1);
    }
  });

  test("to HEAD, 204 and 304 has the pod's length or none, never a made-up one", async () => {
    const lengthOf = async (method: string, path: string): Promise<string[]> => {
      const answer = await ask(path, [], { method });
      assertEquals(fieldValues(answer, "etag"), ['"e"']);
      return fieldValues(answer, "content-length");
    };
    assertEquals(await lengthOf("HEAD", "/known"), ["77"]);
    assertEquals(await lengthOf("HEAD", "/unknown"), []);
    assertEquals(await lengthOf("GET", "/304"), ["77"]);
    assertEquals(await lengthOf("HEAD", "/304"), ["77"]);
    assertEquals(await lengthOf("GET", "/204"), []);
  });

  test("keeps its early hints, its trailers and its own reason phrase", async () => {
    /** All of an answer, as far as this. */
    const upTo = async (path: string, last: string): Promise<string> => {
      const client = await rawClient(portOf(gateway), `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await until(() => client.received().endsWith(last), { message: () => client.received() });
      client.socket.destroy();
      return client.received();
    };
    assertMatch(
      await upTo("/early-hints", "ok"),
      /^HTTP\/1.1 103 Early Hints\r\nlink: <\/a.css>\r\n\r\nHTTP\/1.1 200 OK\r\n/,
    );
    assertMatch(await upTo("/trailers", "\r\n\r\n"), /\r\n2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n$/);
    assertMatch(await ask("/reason"), /^HTTP\/1.1 404 Nothing Of That Name\r\n/);
  });

  test("keeps its length, be its body whole at once or in pieces", async () => {
    assertEquals(fieldValues(await ask("/typeless"), "content-length"), ["2"]);
    const pieces = await ask("/in-two");
    assertEquals([fieldValues(pieces, "content-length"), fieldValues(pieces, "transfer-encoding")], [["4"], []]);
    assertEquals(parseAnswers(pieces)[0]!.body, "four");
  });

  test("without a content-type gets none", async () => {
    assertEquals(fieldValues(await ask("/typeless"), "content-type"), []);
    assertEquals(fieldValues(await ask("/in-two"), "content-type"), []);
  });

  test("has its lines of one name and its bytes above 127 as they came", async () => {
    const answer = await ask("/twice");
    assertEquals([fieldValues(answer, "x-a"), fieldValues(answer, "x-b")], [["1", "2"], ["\xe9"]]);
  });

  test("of an unregistered status keeps it; a switch of protocols nobody asked for is a 502", async () => {
    assertMatch(await ask("/odd-status"), /^HTTP\/1.1 299 Odd\r\n/);
    assertMatch(await ask("/unasked-upgrade"), /^HTTP\/1.1 502 /);
  });

  test("without a first byte of its body has a whole head", async () => {
    const client = await rawClient(portOf(gateway), "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => client.received().endsWith("\r\n\r\n"), { message: () => client.received() });
    assertMatch(client.received(), /\r\ncontent-type: text\/event-stream\r\n/);
    client.socket.destroy();
  });
});

describe("a request", () => {
  test("has the Host of the client, of the pod or a fixed one, as its route says", async () => {
    const wanted = { "/": "shop.test", "/host/node": `127.0.0.1:${pod.port}`, "/host/rewrite": "internal.test" };
    for (const [path, host] of Object.entries(wanted)) {
      pod.requests.length = 0;
      await ask(path);
      assertEquals(fieldValues(pod.requests[0]!, "host"), [host]);
    }
  });

  const claims = [
    "X-Forwarded-For: 203.0.113.9",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: claimed.test",
    "X-Forwarded-Port: 9",
    "Forwarded: for=203.0.113.9;proto=https",
  ];
  const NAMES = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "forwarded"];
  const arrived = (): string[] => NAMES.flatMap((name) => fieldValues(pod.requests[0]!, name));

  test("of a stranger says nothing of where it came from but what the gateway saw", async () => {
    await ask("/", claims);
    const [port = ""] = fieldValues(pod.requests[0]!, "x-forwarded-port");
    assertEquals(arrived(), ["127.0.0.1", "http", "shop.test", port, 'for=127.0.0.1;host="shop.test";proto=http']);
    assert(port !== "9");
  });

  test("of a trusted proxy keeps its chain and gets one hop more", async () => {
    await ask("/", claims, { from: trusting });
    const own = 'for=127.0.0.1;host="shop.test";proto=http';
    assertEquals(arrived(), [
      "203.0.113.9, 127.0.0.1",
      "https",
      "claimed.test",
      "9",
      `for=203.0.113.9;proto=https, ${own}`,
    ]);
  });

  test("loses what is good for one hop only, and so does its answer", async () => {
    await ask("/", ["Connection: close, X-Hop", "X-Hop: 1", "TE: trailers", "Keep-Alive: 5", "Proxy-Connection: x"]);
    const names = headLines(pod.requests[0]!).map((line) => line.split(":")[0]!.toLowerCase());
    for (const name of ["x-hop", "te", "keep-alive", "proxy-connection"]) assert(!names.includes(name), name);
  });

  test("gets no words but of where it came from", async () => {
    await ask("/");
    const names = headLines(pod.requests[0]!).map((line) => line.split(":")[0]);
    assertEquals(names.toSorted(), [
      "GET / HTTP/1.1",
      "Host",
      "x-forwarded-for",
      "x-forwarded-host",
      "x-forwarded-port",
      "x-forwarded-proto",
      "x-real-ip",
    ]);
  });

  test("of gRPC is refused in words, gRPC-web and Connect pass", async () => {
    const call = (type: string): Promise<Response> =>
      gateway.fetch("/shop.Cart/Get", { method: "POST", body: "x", headers: { "content-type": type } });
    const refused = await call("application/grpc");
    assertEquals([refused.status, ((await refused.json()) as { code: string }).code], [501, "not_supported"]);
    for (const type of ["application/grpc-web+proto", "application/connect+json"]) {
      assertEquals((await call(type)).status, 200);
    }
  });

  test("of curl that expects 100 Continue is answered at once, large or chunked", async () => {
    for (const more of [[], ["-H", "Transfer-Encoding: chunked"]]) {
      const curl = Bun.spawn(
        [
          "curl",
          "-sS",
          "-o",
          "-",
          "-w",
          " %{http_code} %{time_total}",
          "--expect100-timeout",
          "20",
          "--max-time",
          "15",
        ].concat(["-H", "Expect: 100-continue", "-T", "-", ...more, `${gateway.url}/known-not`]),
        { stdin: new Blob(["y".repeat(60_000)]), stdout: "pipe", stderr: "inherit" },
      );
      const [text, status, seconds] = (await new Response(curl.stdout).text()).split(" ");
      assertEquals([text, status], ["ok", "200"]);
      assert(Number(seconds) < 5, `it took ${seconds} s`);
    }
  });
});
