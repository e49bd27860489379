import { describe, test } from "bun:test";
import type { Socket } from "node:net";
import { assert, assertEquals } from "@std/assert";
import { LazyAbortController } from "../../../src/base/abort.ts";
import type { BodySource } from "../../../src/http/body.ts";
import { Fields } from "../../../src/http/header-fields.ts";
import { createHttp1Client } from "../../../src/http/http1/client.ts";
import type { InterimAnswer } from "../../../src/http/message.ts";
import { collect, PushedBody, sourceOfPieces } from "../../helpers/body.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { until, untilStill } from "../../helpers/wait.ts";
import { answerWith } from "../../proxy/helpers.ts";

import { DIALS, failing, pod, sender, stopsPods } from "./client-pods.ts";

stopsPods();

const linesOf = (fields: Fields): [string, string][] => {
  const lines: [string, string][] = [];
  fields.forEachLine((name, value) => lines.push([name, value]));
  return lines;
};

describe.each([...DIALS])("messages over %s", (_name, dial) => {
  const send = sender(createHttp1Client({ dial, clock: createFakeClock(), random: Math.random }));

  test("keep the order of their fields and the letters of the names, both ways", async () => {
    const answer = answerWith("x", "X-B: 1", "set-Cookie: a=1", "X-a: 2", "Set-Cookie: b=2");
    const { port, requests } = await pod((socket) => socket.write(answer));
    const headers = Fields.from([
      ["X-b", "1"],
      ["HOST", "a.test"],
      ["Accept", "*/*"],
      ["x-B", "2"],
      ["Content-LENGTH", "2"],
      ["Z", ""],
    ]);
    const { headers: answered } = await send(port, { headers, body: sourceOfPieces(["hi"]) });
    assertEquals(
      requests[0],
      "POST / HTTP/1.1\r\nX-b: 1\r\nHOST: a.test\r\nAccept: */*\r\nx-B: 2\r\nContent-LENGTH: 2\r\nZ: \r\n\r\nhi",
    );
    assertEquals(linesOf(answered as Fields), [
      ["content-length", "1"],
      ["X-B", "1"],
      ["set-Cookie", "a=1"],
      ["X-a", "2"],
      ["Set-Cookie", "b=2"],
    ]);
  });

  test("have a body that is none, is there, or is on its way", async () => {
    const answers = [
      "HTTP/1.1 204 No Content\r\n\r\n",
      answerWith("hello"),
      "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ];
    const { port } = await pod((socket) => socket.write(answers.shift()!));
    assertEquals((await send(port)).body, null);
    const { body } = await send(port);
    assert(body instanceof Uint8Array);
    assertEquals((await collect(body)).text, "hello");
    assertEquals(((await send(port)).body as BodySource).length, 10);
    assertEquals(((await send(port)).body as BodySource).length, undefined);
  });

  describe("trailers", () => {
    const answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nx-b: 2\r\n\r\n";
    test.each(["whole", "behind its head", "byte by byte"])("of an answer that comes %s are its end", async (cut) => {
      const { port, open } = await pod(async (socket) => {
        if (cut === "whole") return void socket.write(answer);
        const end = answer.indexOf("hello");
        socket.write(answer.slice(0, end));
        await Bun.sleep(5);
        if (cut === "behind its head") return void socket.write(answer.slice(end));
        for (const byte of answer.slice(end)) {
          socket.write(byte);
          await Bun.sleep(0);
        }
      });
      for (let i = 0; i < 2; i++) {
        const { text, trailers } = await collect((await send(port)).body);
        assertEquals(
          [text, trailers],
          [
            "hello",
            [
              ["X-Sum", "1"],
              ["x-b", "2"],
            ],
          ],
        );
      }
      assertEquals(open(), 1);
    });

    test("of an upload follow it, but those that may not, and none can add a line", async () => {
      const { port, requests } = await pod((socket, request) => {
        if (request.endsWith("\r\n\r\n")) socket.write(answerWith("x"));
      });
      const trailers = Fields.from([
        ["X-Sum", "1"],
        ["Content-Length", "5"],
        ["Transfer-Encoding", "chunked"],
        ["Host", "b.test"],
        ["Authorization", "x"],
        ["X-Forwarded-For", "192.0.2.1"],
        ["X-Real-IP", "192.0.2.1"],
        ["x_consumer_name", "root"],
        ["x-a", "1\r\nx-b: 2"],
        ["x c", "1"],
        ["grpc-status", "0"],
      ]);
      await send(port, { body: sourceOfPieces(["hello", "more"], trailers) });
      const [head = "", body] = requests[0]!.split("\r\n\r\n5");
      assert(head.endsWith("transfer-encoding: chunked"));
      assertEquals(body, "\r\nhello\r\n4\r\nmore\r\n0\r\nX-Sum: 1\r\ngrpc-status: 0\r\n\r\n");
    });
  });

  describe("interim answers", () => {
    test("are given to who asked, in their order, before the answer", async () => {
      const { port } = await pod((socket) =>
        socket.write(
          `HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\nConnection: x-y\r\nX-Y: 1\r\n\r\n${answerWith("x")}`,
        ),
      );
      const seen: [number, string, [string, string][]][] = [];
      const interim = ({ status, statusText, headers }: InterimAnswer): void =>
        void seen.push([status, statusText, linesOf(headers as Fields)]);
      const { status } = await send(port, { interim });
      assertEquals(
        [status, seen],
        [
          200,
          [
            [100, "Go on", []],
            [103, "Early Hints", [["Link", "<a>"]]],
          ],
        ],
      );
    });

    test("may end the request that they belong to", async () => {
      const { port, open } = await pod((socket) => socket.write(`HTTP/1.1 103 x\r\n\r\n${answerWith("x")}`));
      const controller = new LazyAbortController();
      const failed = await send(port, { controller, interim: () => controller.abort("enough") }).catch((why) => why);
      assertEquals(failed, "enough");
      await until(() => open() === 0, "the connection to close");
    });

    test.each([
      [true, "HTTP/1.1 100 Continue\r\n\r\n", 1],
      [true, "", 3],
      [true, "HTTP/1.1 103 Early Hints\r\n\r\n", 3],
      [false, "", 1],
    ])("that are waited for (%s) and come (%j): %d connections carry three requests", async (expects, first, used) => {
      const seen = new Set<Socket>();
      const { port, requests, open } = await pod((socket) => {
        seen.add(socket);
        socket.write(first + answerWith("x"));
      });
      const headers = (): Fields => Fields.from([["Content-Length", "5"]]);
      for (let i = 0; i < 3; i++) {
        const body = sourceOfPieces(["hello"]);
        await send(port, { headers: headers(), body, expectsContinue: expects });
      }
      assertEquals([seen.size, requests[0]!.includes("\r\nexpect: 100-continue\r\n")], [used, expects]);
      await until(() => open() === (used === 1 ? 1 : 0), "the connections to close");
    });

    test("ask for the body, which flows after its head has left", async () => {
      const body = new PushedBody(5);
      const { port, requests } = await pod((socket) => {
        socket.write("HTTP/1.1 100 Continue\r\n\r\n");
        socket.once("data", (data) => socket.write(answerWith(data.toString())));
      });
      const interim = (): void => {
        body.push("hello");
        body.sink!.end(undefined);
      };
      const answer = await send(port, { body, expectsContinue: true, interim });
      assertEquals((await collect(answer.body)).text, "hello");
      assert(requests[0]!.endsWith("\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"));
    });
  });

  describe("what cannot be written", () => {
    test.each([
      ["a line's end in a value", [["x-a", "1\r\nx-b: 2"]]],
      ["a bare CR", [["x-a", "1\rx-b: 2"]]],
      ["a bare LF", [["x-a", "1\nx-b: 2"]]],
      ["a NUL", [["x-a", "1\0"]]],
      ["a name that is no token", [["x a", "1"]]],
      ["a name that is none", [["", "1"]]],
      ["a name with a colon", [["x:a", "1"]]],
      ["a name that is not ASCII", [["x\u00e9", "1"]]],
      [
        "two hosts",
        [
          ["Host", "a"],
          ["host", "b"],
        ],
      ],
    ] as [string, [string, string][]][])("is refused, and nothing is sent: %s", async (_what, lines) => {
      const { port, requests, open } = await pod(() => {});
      await failing(send(port, { headers: Fields.from(lines) }), "refused", "");
      assertEquals([requests, open()], [[], 0]);
    });

    test("includes a method that is no token", async () => {
      const { port, requests } = await pod(() => {});
      await failing(send(port, { method: "GET /a HTTP/1.1\r\nx:" }), "refused", "method");
      assertEquals(requests, []);
    });

    test("as bytes is written in UTF-8", async () => {
      const { port, requests } = await pod((socket) => socket.write(answerWith("x")));
      const headers = Fields.from([
        ["x-a", "caf\u00e9"],
        ["x-b", "\u65e5\u00e9"],
      ]);
      await send(port, { headers });
      assert(requests[0]!.includes("\r\nx-a: caf\u00e9\r\nx-b: \u00e6\u0097\u00a5\u00c3\u00a9\r\n"));
    });
  });

  test("with a length of 0 and no body say so where their sender did", async () => {
    const { port, requests } = await pod((socket) => socket.write(answerWith("x")));
    await send(port, { method: "DELETE", headers: Fields.from([["Content-Length", "0"]]) });
    await send(port, { method: "DELETE" });
    await send(port, { headers: Fields.from([["Content-Length", "5"]]) });
    assertEquals(
      requests.map((request) => /content-length: \d/i.exec(request)?.[0]),
      ["Content-Length: 0", undefined, undefined],
    );
  });

  test("do not come faster than they are taken, and go on where they stopped", async () => {
    const SIZE = 100_000_000;
    let sent = 0;
    const { port } = await pod((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${SIZE}\r\n\r\n`);
      const more = (): void => {
        while (sent < SIZE) {
          sent += 1_000_000;
          if (!socket.write(new Uint8Array(1_000_000))) return void socket.once("drain", more);
        }
      };
      more();
    });
    const source = (await send(port)).body as BodySource;
    await untilStill(() => sent);
    assert(sent < 30_000_000, `${sent} bytes were sent before the body was wanted`);
    let got = 0;
    let over = false;
    let late = 0;
    let paused = false;
    source.pipe({
      data(bytes) {
        if (paused) late++;
        got += bytes.length;
        if (got < SIZE / 20 || paused) return;
        paused = true;
        source.pause();
      },
      end: () => {
        over = true;
      },
      fail: () => {},
    });
    await until(() => paused, "a part of it");
    const before = got;
    await untilStill(() => sent);
    assertEquals([got, late, over], [before, 0, false]);
    assert(sent < SIZE, "all was sent to who takes no more");
    paused = false;
    got -= SIZE;
    source.resume();
    await until(() => over, "all of it");
    assertEquals(got, 0);
  });

  test("that are given up close their connection, before and after they flow", async () => {
    const { port, open } = await pod((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello"));
    const early = (await send(port)).body as BodySource;
    early.cancel();
    await until(() => open() === 0, "the connection to close");
    const late = (await send(port)).body as BodySource;
    let got = "";
    late.pipe({
      data(bytes) {
        got += new TextDecoder().decode(bytes);
        late.cancel();
      },
      end: () => assert(false),
      fail: () => assert(false),
    });
    await until(() => open() === 0, "the connection to close");
    assertEquals(got, "hello");
  });

  test("that end with more than they said spoil their connection, though they flow already", async () => {
    const { port, open } = await pod((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello");
      setTimeout(() => socket.write("worldHTTP/1.1 200 OK\r\n"), 5);
    });
    assertEquals((await collect((await send(port)).body)).text, "helloworld");
    await until(() => open() === 0, "the connection to close");
  });
});
