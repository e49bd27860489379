import { afterEach, describe, test } from "bun:test";
import type { Socket } from "node:net";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LazyAbortController } from "../../../src/base/abort.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { createHttp1Client } from "../../../src/http/http1/client.ts";
import type { OutgoingRequest, Transport } from "../../../src/http/transport.ts";
import { UpstreamError } from "../../../src/http/upstream-error.ts";
import { bunDial } from "../../../src/platform/bun/dial.ts";
import { nodeDial } from "../../../src/platform/node/streams.ts";
import type { Dial } from "../../../src/platform/sockets.ts";
import { closedPort } from "../../helpers/closed-port.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { until } from "../../helpers/wait.ts";
import { answerWith, type RawPod, rawPod } from "../../proxy/helpers.ts";

const pods: RawPod[] = [];
afterEach(() => {
  for (const pod of pods.splice(0)) pod.stop();
});

async function pod(answer: (socket: Socket, request: string) => void): Promise<RawPod> {
  const started = await rawPod(answer);
  pods.push(started);
  return started;
}

/** What a request may have besides its URL. */
type Asked = Partial<Omit<OutgoingRequest, "headers" | "body">> & {
  headers?: Record<string, string>;
  body?: string | ReadableStream<Uint8Array>;
};

const streamOf = (body: Asked["body"]): ReadableStream<Uint8Array> | undefined =>
  typeof body === "string" ? new Response(body).body! : body;

const asker =
  (client: Transport) =>
  (url: string | number, { headers, body, ...asked }: Asked = {}): Promise<Response> =>
    client.send(typeof url === "number" ? `http://127.0.0.1:${url}/` : url, {
      method: body === undefined ? "GET" : "POST",
      controller: new LazyAbortController(),
      ...asked,
      headers: new Headers(headers),
      ...(body === undefined ? undefined : { body: streamOf(body)! }),
    });

const failing = async (answer: Promise<unknown>, failure: UpstreamError["failure"], words: string): Promise<void> => {
  const error = await assertRejects(() => answer, UpstreamError, words);
  assertEquals((error as UpstreamError).failure, failure);
};

describe.each<[string, Dial]>([
  ["Bun's sockets", bunDial],
  ["node:net", nodeDial()],
])("HTTP/1.1 over %s", (_name, dial) => {
  // Time stands still: no connection closes because it has been idle.
  const ask = asker(createHttp1Client({ dial, clock: createFakeClock(), random: Math.random }));

  describe("a request", () => {
    test("leaves as it was given, and nothing is added to it", async () => {
      const { port, requests } = await pod((socket) => socket.write(answerWith("x")));
      await (
        await ask(`http://127.0.0.1:${port}/a//b/%2e%2E/c;x?q=%20&&r=[]`, {
          headers: { host: "a.test", "x-a": "caf\u00e9" },
        })
      ).text();
      assertEquals(requests, ["GET /a//b/%2e%2E/c;x?q=%20&&r=[] HTTP/1.1\r\nhost: a.test\r\nx-a: caf\u00e9\r\n\r\n"]);
    });

    test("without a host is for the address it goes to", async () => {
      const { port, requests } = await pod((socket) => socket.write(answerWith("x")));
      await ask(port);
      assertStringIncludes(requests[0]!, `\r\nhost: 127.0.0.1:${port}\r\n`);
    });

    test("with a body tells its length, or comes in chunks", async () => {
      const { port, requests } = await pod((socket, request) => {
        if (request.includes("content-length") || request.endsWith("0\r\n\r\n")) socket.write(answerWith("x"));
      });
      await ask(port, { body: "hello", headers: { "content-length": "5" } });
      assert(requests[0]!.includes("content-length: 5\r\n"));
      const echo = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: async (r) => new Response(await r.text()) });
      const parts = ["one ", "x".repeat(100_000), " three"];
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          const part = parts.shift();
          if (part === undefined) controller.close();
          else controller.enqueue(new TextEncoder().encode(part));
        },
      });
      const answer = await ask(`http://127.0.0.1:${echo.port}/`, { body });
      assertEquals(await answer.text(), `one ${"x".repeat(100_000)} three`);
      await echo.stop(true);
    });

    test.each(["POST", "PUT", "PATCH"])("%s without a body says so", async (method) => {
      const { port, requests } = await pod((socket) => socket.write(answerWith("x")));
      await ask(port, { method });
      assertStringIncludes(requests[0]!, "content-length: 0\r\n");
    });

    test.each([
      ["longer", "hello, world"],
      ["shorter", "hell"],
    ])(
      "whose body is %s than it said breaks its connection: a pod would take the rest for another",
      async (words, body) => {
        const { port } = await pod(() => {});
        await failing(ask(port, { body, headers: { "content-length": "5" } }), "refused", words);
        await until(() => pods.every(({ open }) => open() === 0), "the connection to close");
      },
    );

    test("whose body breaks breaks its connection, and is told why", async () => {
      const { port } = await pod(() => {});
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new Uint8Array(3)),
        pull: async () => {
          await Bun.sleep(5);
          throw new RangeError("the client left");
        },
      });
      const error = await assertRejects(() => ask(port, { body }), UpstreamError);
      // No pod is to blame.
      assertEquals([(error as UpstreamError).failure, (error.cause as Error).message], ["refused", "the client left"]);
      await until(() => pods.every(({ open }) => open() === 0), "the connection to close");
    });

    test.each([
      ["/a b", "/a%20b"],
      ["/\u00e9?\u00fc", "/%C3%A9?%C3%BC"],
      ["/a\r\nX: y", "/a%0D%0AX:%20y"],
    ])("for %j, as a server may hand it over, is sent as fetch would", async (target, sent) => {
      const { port, requests } = await pod((socket) => socket.write(answerWith("x")));
      await ask(`http://127.0.0.1:${port}${target}`);
      assertEquals(requests[0]!.split("\r\n")[0], `GET ${sent} HTTP/1.1`);
    });

    test("with a fragment is not sent", async () => {
      const { port, requests } = await pod((socket) => socket.write(answerWith("x")));
      await failing(ask(`http://127.0.0.1:${port}/#f`), "refused", "percent-encoded");
      assertEquals(requests, []);
    });

    test.each([
      ["with a length", 1_000_000, { "content-length": "100000000" }],
      ["in large chunks", 1_000_000, {}],
      ["in small chunks", 10_000, {}],
    ] as const)("does not send faster than its pod reads, %s", async (_what, size, headers) => {
      let taken = 0;
      const reading = Promise.withResolvers<Socket>();
      const { port } = await pod((socket) => {
        socket.pause().removeAllListeners("data");
        reading.resolve(socket);
      });
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          taken += size;
          controller.enqueue(new Uint8Array(size));
          if (taken === 100_000_000) controller.close();
        },
      });
      const answer = ask(port, { body, headers });
      const socket = await reading.promise;
      let before = -1;
      while (before !== taken) {
        before = taken;
        await Bun.sleep(50);
      }
      assert(taken < 30_000_000, `${taken} bytes were taken for a pod that does not read`);
      let got = 0;
      socket.on("data", (data) => {
        got += data.length;
        if (got >= 99_000_000) socket.write(answerWith("done"));
      });
      socket.resume();
      assertEquals(await (await answer).text(), "done");
    });

    test("is answered early: the rest of its body is not sent, and its connection is not used again", async () => {
      let cancelled = false;
      const { port, requests, open } = await pod((socket) => socket.write(answerWith("too large")));
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          await Bun.sleep(2);
          controller.enqueue(new Uint8Array(10));
        },
        cancel() {
          cancelled = true;
        },
      });
      const answer = await ask(port, { body, headers: { "content-length": "1000000" } });
      assertEquals(await answer.text(), "too large");
      await until(() => cancelled && open() === 0, "the body to be let go of");
      await (await ask(port)).text();
      assertEquals(requests.length, 2);
    });
  });

  test("a body that does not come is let go of as soon as its request is answered, or ends", async () => {
    for (const text of [answerWith("early"), undefined]) {
      const { port, requests } = await pod((socket) => void (text && socket.write(text)));
      let cancelled = false;
      const body = new ReadableStream<Uint8Array>({
        pull: () => new Promise(() => {}),
        cancel() {
          cancelled = true;
        },
      });
      const controller = new LazyAbortController();
      const answer = ask(port, { body, controller, headers: { "content-length": "10" } });
      if (text !== undefined) assertEquals(await (await answer).text(), "early");
      else {
        await until(() => requests.length === 1, "the request");
        controller.abort();
        await assertRejects(() => answer, DOMException);
      }
      await until(() => cancelled, "the body to be let go of");
    }
  });

  describe("an answer", () => {
    const cases: [what: string, answer: string, status: number, body: string][] = [
      ["with a length", answerWith("hello"), 200, "hello"],
      [
        "in chunks",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\n yo\r\n0\r\n\r\n",
        200,
        "hello yo",
      ],
      ["in chunks, empty", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 200, ""],
      [
        "after interim ones",
        `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${answerWith("x")}`,
        200,
        "x",
      ],
      ["204", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""],
      ["304", "HTTP/1.1 304 Not Modified\r\n\r\n", 304, ""],
      [
        "after as many interim ones as there may be",
        `${"HTTP/1.1 102 x\r\n\r\n".repeat(32)}${answerWith("x")}`,
        200,
        "x",
      ],
      ["with a status of its own", "HTTP/1.1 599 Odd\r\ncontent-length: 0\r\n\r\n", 599, ""],
    ];
    for (const cut of ["whole", "byte by byte"]) {
      test.each(cases)(`%s, ${cut}, and its connection is used again`, async (_what, text, status, body) => {
        const seen = new Set<Socket>();
        const { port, open } = await pod(async (socket) => {
          seen.add(socket);
          if (cut === "whole") return void socket.write(text);
          for (const byte of text) {
            socket.write(byte);
            await Bun.sleep(0);
          }
        });
        for (let i = 0; i < 3; i++) {
          const answer = await ask(port);
          assertEquals([answer.status, await answer.text()], [status, body]);
        }
        assertEquals([open(), seen.size], [1, 1]);
      });
    }

    test("to HEAD has no body, whatever it tells", async () => {
      const { port } = await pod((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"));
      for (let i = 0; i < 2; i++) {
        const answer = await ask(port, { method: "HEAD" });
        assertEquals([answer.headers.get("content-length"), answer.body], ["5", null]);
      }
    });

    test.each([
      ["HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"],
      ["HEAD", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"],
      ["GET", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n"],
      ["GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"],
    ])(
      "to %s without the body it announces (%j) is the last on its connection: the body may still come",
      async (method, text) => {
        const seen = new Set<Socket>();
        const { port, open } = await pod((socket) => {
          seen.add(socket);
          socket.write(text);
        });
        for (let i = 0; i < 3; i++) await ask(port, { method });
        assertEquals(seen.size, 3);
        await until(() => open() === 0, "the connections to close");
      },
    );

    test.each([
      ["HEAD", "HTTP/1.1 200 OK\r\n\r\n"],
      ["HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"],
      ["GET", "HTTP/1.1 204 No Content\r\n\r\n"],
      ["GET", "HTTP/1.1 304 Not Modified\r\n\r\n"],
    ])("to %s that announces no body (%j) leaves its connection to others", async (method, text) => {
      const seen = new Set<Socket>();
      const { port } = await pod((socket) => {
        seen.add(socket);
        socket.write(text);
      });
      for (let i = 0; i < 3; i++) await ask(port, { method });
      assertEquals(seen.size, 1);
    });

    test("may end with its connection", async () => {
      const { port } = await pod((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nhello"));
      assertEquals(await (await ask(port)).text(), "hello");
      assertEquals(await (await ask(port)).text(), "hello");
    });

    test("comes in pieces as they are sent", async () => {
      const { port } = await pod(async (socket) => {
        socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        await Bun.sleep(20);
        socket.write("5\r\nhello\r\n");
      });
      const answer = await ask(port);
      const { value } = await answer.body!.getReader().read();
      assertEquals(new TextDecoder().decode(value), "hello");
    });

    test("keeps several cookies and each byte of its fields", async () => {
      const { port } = await pod((socket) =>
        socket.write(
          Buffer.from(answerWith("x", "set-cookie: a=1", "set-cookie: b=2", "x-l: \u00e9\u0080\u00ff"), "latin1"),
        ),
      );
      const { headers } = await ask(port);
      assertEquals([headers.getSetCookie(), headers.get("x-l")], [["a=1", "b=2"], "\u00e9\u0080\u00ff"]);
    });

    test.each([
      ["not HTTP", "SSH-2.0-x\r\n\r\n"],
      ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx"],
      ["a field that is none", "HTTP/1.1 200 OK\r\na b: 1\r\ncontent-length: 0\r\n\r\n"],
      ["a NUL in a field", "HTTP/1.1 200 OK\r\na: \u0000\r\ncontent-length: 0\r\n\r\n"],
      ["a status above 599", "HTTP/1.1 999 x\r\ncontent-length: 0\r\n\r\n"],
      ["a protocol nobody asked for", "HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n"],
      ["a status below 100", "HTTP/1.1 099 x\r\ncontent-length: 0\r\n\r\n"],
      ["interim answers without end", "HTTP/1.1 102 x\r\n\r\n".repeat(33)],
      [
        "very many fields",
        `HTTP/1.1 200 OK\r\n${Array.from({ length: 501 }, (_, i) => `a${i}: 1\r\n`).join("")}content-length: 0\r\n\r\n`,
      ],
      ["endless fields", `HTTP/1.1 200 OK\r\n${"a: 1\r\n".repeat(60_000)}`],
      ["no chunks where it said so", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nhello"],
    ])("that is none (%s) is an error, and its connection is closed", async (_what, text) => {
      const { port, open } = await pod((socket) => socket.write(Buffer.from(text, "latin1")));
      await failing(ask(port), "invalid", "");
      await until(() => open() === 0, "the connection to close");
    });

    test.each([
      ["with a length", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello"],
      ["in chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhello"],
      ["between chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"],
    ])("that breaks off (%s) is never whole", async (_what, text) => {
      for (const end of ["end", "resetAndDestroy"] as const) {
        const { port } = await pod((socket) => socket.write(text, () => setTimeout(() => socket[end](), 10)));
        const answer = await ask(port);
        await failing(answer.text(), "reset", "in the middle of its answer");
      }
    });

    test("that would end with its connection, but broke, is never whole", async () => {
      const { port } = await pod((socket) =>
        socket.write("HTTP/1.1 200 OK\r\n\r\nhello", () => setTimeout(() => socket.resetAndDestroy(), 10)),
      );
      await failing((await ask(port)).text(), "reset", "in the middle of its answer");
    });

    test("does not come faster than it is read", async () => {
      let sent = 0;
      const { port } = await pod((socket) => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n");
        const more = (): void => {
          while (sent < 200_000_000) {
            sent += 1_000_000;
            if (!socket.write(new Uint8Array(1_000_000))) return void socket.once("drain", more);
          }
        };
        more();
      });
      const answer = await ask(port);
      let before = -1;
      while (before !== sent) {
        before = sent;
        await Bun.sleep(50);
      }
      assert(sent < 40_000_000, `${sent} bytes were sent to a client that does not read`);
      assertEquals((await answer.bytes()).length, 200_000_000);
    });

    test("that nobody wants closes its connection", async () => {
      const { port, open } = await pod((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello"));
      await (await ask(port)).body!.cancel();
      await until(() => open() === 0, "the connection to close");
      const client = new AbortController();
      const reader = (await ask(port, { client: { signal: client.signal } })).body!.getReader();
      await reader.read();
      client.abort();
      await assertRejects(() => reader.read(), DOMException, "cancelled");
      await until(() => open() === 0, "the connection to close");
    });

    test("from which more comes than was asked for spoils its connection", async () => {
      const { port, open } = await pod((socket) => socket.write(`${answerWith("x")}HTTP/1.1 200 OK\r\n`));
      assertEquals(await (await ask(port)).text(), "x");
      await until(() => open() === 0, "the connection to close");
    });

    test("that nobody asked for spoils its connection", async () => {
      const { port, open, requests } = await pod((socket) => {
        socket.write(answerWith("mine"));
        setTimeout(() => socket.write(answerWith("poison")), 10);
      });
      assertEquals(await (await ask(port)).text(), "mine");
      await until(() => open() === 0, "the connection to close");
      assertEquals(await (await ask(port)).text(), "mine");
      assertEquals(requests.length, 2);
    });
  });

  describe("no answer", () => {
    test("nobody listens", async () => {
      await failing(ask(await closedPort()), "connect", "");
    });

    test("the pod hangs up, at once or after a while", async () => {
      const { port } = await pod((socket) => socket.end());
      await failing(ask(port), "reset", "before its answer");
      const other = await pod((socket) =>
        socket.write("HTTP/1.1 20", () => setTimeout(() => socket.resetAndDestroy(), 5)),
      );
      await failing(ask(other.port), "reset", "before its answer");
    });

    test("a request that is cancelled closes its connection, with its reason", async () => {
      const { port, open, requests } = await pod(() => {});
      const controller = new LazyAbortController();
      const answer = ask(port, { controller });
      await until(() => requests.length === 1, "the request");
      controller.abort(new RangeError("late"));
      await assertRejects(() => answer, RangeError, "late");
      await until(() => open() === 0, "the connection to close");
      await assertRejects(() => ask(port, { controller }), RangeError, "late");
    });
  });

  describe("a connection that its pod closed", () => {
    /** Answers once, and hangs up as the next request comes. */
    const fickle = () => {
      const served = new WeakSet<Socket>();
      return pod((socket) => {
        if (served.has(socket)) return void socket.resetAndDestroy();
        served.add(socket);
        socket.write(answerWith("x"));
      });
    };

    test("costs no request that can be sent again", async () => {
      const { port, requests } = await fickle();
      for (let i = 0; i < 3; i++) assertEquals(await (await ask(port)).text(), "x");
      assertEquals(requests.length, 5);
    });

    test.each(
      ["POST", "PUT", "DELETE", "PATCH"].flatMap((method) => [
        [method, "with a length", { body: "hello", headers: { "content-length": "5" } }] as const,
        [method, "in chunks", { body: "hello" }] as const,
      ]),
    )("is not tried twice with %s and a body %s", async (method, _framing, asked) => {
      const { port, requests } = await fickle();
      await (await ask(port)).text();
      await failing(ask(port, { method, ...asked }), "reset", "before its answer");
      assertEquals(requests.filter((request) => /HTTP\/1\.1\r\n/.test(request)).length, 2);
    });

    test.each(["HTTP/1.1 20", "HTTP/1.1 100 Continue\r\n\r\n"])(
      "is not tried again once it answered in part (%j)",
      async (part) => {
        const served = new WeakSet<Socket>();
        const { port, requests } = await pod((socket) => {
          if (served.has(socket)) return void socket.write(part, () => setTimeout(() => socket.resetAndDestroy(), 5));
          served.add(socket);
          socket.write(answerWith("x"));
        });
        await (await ask(port)).text();
        await failing(ask(port), "reset", "before its answer");
        assertEquals(requests.length, 2);
      },
    );
  });
});

describe("connections", () => {
  test("are kept as long as the pod says, else four seconds; a request that cannot be repeated takes a fresh one", async () => {
    const clock = createFakeClock();
    let keep = "x-none: 1";
    const { port, open } = await pod((socket) => socket.write(answerWith("x", keep)));
    let made = 0;
    const connect = nodeDial();
    const dial: Dial = (to, options) => {
      made++;
      return connect(to, options);
    };
    const ask = asker(createHttp1Client({ dial, clock, random: Math.random }));
    const get = async (init?: Asked): Promise<number> => {
      await (await ask(port, init)).text();
      return made;
    };
    assertEquals(await get(), 1);
    await clock.advance(3900);
    assertEquals(await get(), 1);
    await clock.advance(99);
    assertEquals(await get({ method: "POST" }), 1);
    await clock.advance(100);
    assertEquals(await get({ method: "POST" }), 2);
    await clock.advance(6000);
    await until(() => open() === 0, "idle connections to close");
    keep = "keep-alive: timeout=20";
    assertEquals(await get(), 3);
    await clock.advance(18_900);
    assertEquals(await get(), 3);
    await clock.advance(19_500);
    assertEquals(await get(), 4);
    keep = "keep-alive: timeout=1";
    assertEquals(await get(), 4);
    assertEquals(await get(), 5);
  });

  test("and attempts to make one leave nothing of an address behind once they are gone", async () => {
    const clock = createFakeClock();
    const client = createHttp1Client({ dial: nodeDial(), clock, random: Math.random });
    const ask = asker(client);
    const { port } = await pod((socket) => socket.write(answerWith("x")));
    const other = await pod((socket) => socket.write(answerWith("x", "connection: close")));
    await failing(ask(await closedPort()), "connect", "");
    await (await ask(other.port)).text();
    await failing(ask(`http://127.0.0.1:${port}/#`), "refused", "#");
    assertEquals(client.counts(), { origins: 0, open: 0, idle: 0 });
    await (await ask(port)).text();
    assertEquals(client.counts(), { origins: 1, open: 1, idle: 1 });
    await clock.advance(5000);
    assertEquals([client.counts(), clock.pending], [{ origins: 0, open: 0, idle: 0 }, 0]);
    // What was found to be too old as a request came is no longer counted, and the next one stands for the address again.
    for (let i = 0; i < 3; i++) await (await ask(port, { keepalive: { requests: 1, age: 0 } })).text();
    await (await ask(port)).text();
    assertEquals(client.counts(), { origins: 1, open: 1, idle: 1 });
  });

  /** Connections made for requests that come every `step` milliseconds. */
  async function made(
    keepalive: OutgoingRequest["keepalive"],
    requests: number,
    step: number,
    random = 0,
    ...lines: string[]
  ) {
    const clock = createFakeClock();
    const { port, open } = await pod((socket) => socket.write(answerWith("x", ...lines)));
    let made = 0;
    const connect = nodeDial();
    const dial: Dial = (to, options) => {
      made++;
      return connect(to, options);
    };
    const ask = asker(createHttp1Client({ dial, clock, random: () => random }));
    for (let i = 0; i < requests; i++) {
      await (await ask(port, { keepalive })).text();
      await clock.advance(step);
    }
    await until(() => open() <= 1, "those that were given up to close");
    return made;
  }

  test("are given up between requests after so many, up to a fifth earlier by chance", async () => {
    assertEquals(await made({ requests: 10, age: 0 }, 20, 0), 2);
    assertEquals(await made({ requests: 10, age: 0 }, 21, 0), 3);
    assertEquals(await made({ requests: 10, age: 0 }, 18, 0, 0.999), 2);
    assertEquals(await made({ requests: 10, age: 0 }, 19, 0, 0.999), 3);
    assertEquals(await made({ requests: 1, age: 0 }, 3, 0), 3);
    assertEquals(await made({ requests: 0, age: 0 }, 50, 0), 1);
  });

  test("are given up at an age, however busy they are", async () => {
    assertEquals(await made({ requests: 0, age: 10_000 }, 10, 1000), 1);
    assertEquals(await made({ requests: 0, age: 10_000 }, 11, 1000), 2);
    assertEquals(await made({ requests: 0, age: 10_000 }, 10, 1000, 0.999), 2);
    assertEquals(await made({ requests: 0, age: 0 }, 400, 1000), 1);
  });

  test("are kept idle as long as the route says, and no longer than the pod does", async () => {
    assertEquals(await made({ requests: 0, age: 0, idle: 20_000 }, 2, 19_900), 1);
    assertEquals(await made({ requests: 0, age: 0, idle: 20_000 }, 2, 20_000), 2);
    assertEquals(await made({ requests: 0, age: 0, idle: 100 }, 2, 100), 2);
    assertEquals(await made({ requests: 0, age: 0, idle: 20_000 }, 2, 9000, 0, "keep-alive: timeout=10"), 2);
    assertEquals(await made({ requests: 0, age: 0, idle: 2000 }, 2, 2000, 0, "keep-alive: timeout=10"), 2);
  });

  test("that are not made in time are told from answers that do not come", async () => {
    const clock = createFakeClock();
    let given: AbortSignal | undefined;
    const dial: Dial = (_to, { signal }) => {
      given = signal;
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    const ask = asker(createHttp1Client({ dial, clock, random: Math.random }));
    const late = failing(ask(1, { connectTimeout: 2000 }), "connect", "within 2000 ms");
    await clock.advance(1999);
    assertEquals(given?.aborted, false);
    await clock.advance(1);
    await late;
  });

  test("that stand just as their request is cancelled are closed, and nothing is sent", async () => {
    const { port, requests, open } = await pod((socket) => socket.write(answerWith("x")));
    const controller = new LazyAbortController();
    const connect = nodeDial();
    const dial: Dial = async (to, options) => {
      const socket = await connect(to, options);
      controller.abort(new RangeError("late"));
      return socket;
    };
    const ask = asker(createHttp1Client({ dial, clock: systemClock, random: Math.random }));
    await assertRejects(() => ask(port, { controller }), RangeError, "late");
    await until(() => open() === 0, "the connection to close");
    assertEquals(requests, []);
  });

  test("serve a thousand requests at once, and each gets its own answer", async () => {
    const echo = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (r) => new Response(new URL(r.url).search) });
    const ask = asker(createHttp1Client({ dial: nodeDial(), clock: systemClock, random: Math.random }));
    const answers = await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => (await ask(`http://127.0.0.1:${echo.port}/?${i}`)).text()),
    );
    assertEquals(
      answers,
      Array.from({ length: 1000 }, (_, i) => `?${i}`),
    );
    await echo.stop(true);
  });

  test("reach a pod by its IPv6 address", async () => {
    const echo = Bun.serve({ port: 0, hostname: "::1", fetch: (r) => new Response(r.headers.get("host")) });
    const ask = asker(createHttp1Client({ dial: nodeDial(), clock: systemClock, random: Math.random }));
    assertEquals(await (await ask(`http://[::1]:${echo.port}/`)).text(), `[::1]:${echo.port}`);
    await echo.stop(true);
  });
});
