import { describe, test } from "bun:test";
import type { Socket } from "node:net";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LazyAbortController } from "../../../src/base/abort.ts";
import { createHttp1Client } from "../../../src/http/http1/client.ts";
import { UpstreamError } from "../../../src/http/upstream-error.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { until, untilStill } from "../../helpers/wait.ts";
import { answerWith } from "../../proxy/helpers.ts";

import { asker, DIALS, failing, pod, pods, stopsPods } from "./client-pods.ts";

stopsPods();

describe.each([...DIALS])("HTTP/1.1 over %s", (_name, dial) => {
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
      // Bytes go as they came, whatever they mean; a text of other characters is in UTF-8.
      ["/\u00e9?\u00fc\u0080", "/\u00e9?\u00fc\u0080"],
      ["/\u65e5\u{1f600}?\u0142", "/\u00e6\u0097\u00a5\u00f0\u009f\u0098\u0080?\u00c5\u0082"],
      ["/a\r\nX: y\u007f\0", "/a%0D%0AX:%20y%7F%00"],
    ])("for %j is sent so that no byte ends its line early", async (target, sent) => {
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
      await untilStill(() => taken);
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
});
