import { describe, test } from "bun:test";
import type { Socket } from "node:net";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { LazyAbortController } from "../../../src/base/abort.ts";
import { createHttp1Client } from "../../../src/http/http1/client.ts";
import { closedPort } from "../../helpers/closed-port.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { until, untilStill } from "../../helpers/wait.ts";
import { answerWith } from "../../proxy/helpers.ts";

import { asker, DIALS, failing, pod, stopsPods } from "./client-pods.ts";

stopsPods();

describe.each([...DIALS])("HTTP/1.1 over %s", (_name, dial) => {
  // Time stands still: no connection closes because it has been idle.
  const ask = asker(createHttp1Client({ dial, clock: createFakeClock(), random: Math.random }));

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
      await untilStill(() => sent);
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
