import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { BodySink, BodySource } from "../../../src/http/body.ts";
import { FIELD } from "../../../src/http/fields.ts";
import { Fields } from "../../../src/http/header-fields.ts";
import { H2_ERROR } from "../../../src/http/http2/errors.ts";
import { readUint32, SETTING } from "../../../src/http/http2/frames.ts";
import type { HttpAnswer } from "../../../src/http/message.ts";
import type { RequestBodyError } from "../../../src/http/request-body-error.ts";
import { collect, PushedBody, sourceOfPieces } from "../../helpers/body.ts";
import { data, get, HELLO, headers, type Line, post, requestLines, rstStream } from "../../helpers/http2-frames.ts";
import { answer, Rig, settled } from "./server-rig.ts";

const DATE: Line = ["date", "Thu, 01 Jan 2026 00:00:00 GMT"];

describe("a request over HTTP/2", () => {
  test("is handed over as it was sent, its cookie's crumbs as one line", () => {
    const rig = new Rig().hello();
    const more: Line[] = [
      ["cookie", "a=1"],
      ["x-latin", "\xe9"],
      ["cookie", "b=2"],
      ["te", "trailers"],
      ["cookie", "c=3"],
    ];
    rig.send(headers(1, requestLines(more, "PATCH", "/a%2Fb?c=d&e")));
    const request = rig.requests[0]!;
    assertEquals([request.method, request.url, request.authority], ["PATCH", "/a%2Fb?c=d&e", "example.com"]);
    assertEquals(request.body, null);
    assertEquals(request.expectsContinue, false);
    const lines: [string, string][] = [];
    (request.headers as Fields).forEachLine((name, value) => void lines.push([name, value]));
    assertEquals(lines, [
      ["cookie", "a=1; b=2; c=3"],
      ["x-latin", "\xe9"],
      ["te", "trailers"],
    ]);
    assertEquals((request as unknown as { kinds: number }).kinds & FIELD.oneHop, FIELD.oneHop);
  });

  test("has its body, its length and its trailers, those that may trail", async () => {
    const rig = new Rig(async (request) => {
      const { text, trailers } = await collect(request.body);
      return answer(`${(request.body as BodySource).length} ${text} ${JSON.stringify(trailers)}`);
    }).hello();
    rig.send(post(1, [["content-length", "4"]]), data(1, "ab"), data(1, "cd"));
    rig.send(headers(1, [["x-sum", "1"], ["content-length", "9"], ["x-sum", "2"]])); // biome-ignore format: short
    await settled();
    assertEquals(rig.answered(1).body, '4 abcd [["x-sum","1"],["x-sum","2"]]');
  });

  test("of a GET may have a body", async () => {
    const rig = new Rig(async (request) => answer((await collect(request.body)).text)).hello();
    rig.send(headers(1, requestLines(), false), data(1, "query", true));
    await settled();
    assertEquals(rig.answered(1).body, "query");
  });

  test("whose body has another length than it said is aborted, never finished", async () => {
    for (const pieces of [[data(1, "abc", true)], [data(1, "abcde")]]) {
      const seen: string[] = [];
      const rig = new Rig((request) => {
        request.signal.addEventListener("abort", () => void seen.push("abort"));
        (request.body as BodySource).pipe({
          data: (bytes) => void seen.push(`data ${bytes.length}`),
          end: () => void seen.push("end"),
          fail: () => void seen.push("fail"),
        });
        return new Promise<HttpAnswer>(() => {});
      }).hello();
      rig.send(post(1, [["content-length", "4"]]), ...pieces);
      assert(!seen.includes("end"));
      assertEquals(seen.slice(-2), ["abort", "fail"]);
      assertEquals(rig.resets(1), [H2_ERROR.protocol]);
    }
  });

  test("is given up at once when its client resets it, leaves, or breaks a rule", async () => {
    const ways: ((rig: Rig) => void)[] = [
      (rig) => rig.send(rstStream(1)),
      (rig) => rig.socket.fin(),
      (rig) => rig.socket.cut(),
      (rig) => rig.connection.close(),
      (rig) => rig.send(data(0, "x")),
    ];
    for (const leave of ways) {
      const late = new PushedBody();
      const found = Promise.withResolvers<HttpAnswer>();
      const rig = new Rig(() => found.promise).hello();
      rig.send(get(1));
      let aborted = 0;
      const { signal } = rig.requests[0]!;
      signal.addEventListener("abort", () => void aborted++);
      leave(rig);
      await settled();
      assertEquals([aborted, signal.aborted], [1, true]);
      // What comes too late is let go of.
      found.resolve(answer(late));
      await settled();
      assertEquals(late.cancelled.length, 1);
      assertEquals(rig.answered(1).statuses, []);
    }
  });

  test("that was answered whole was not given up", async () => {
    const rig = new Rig().hello();
    rig.send(get(1));
    await settled();
    rig.socket.cut();
    await settled();
    assertEquals(rig.requests[0]!.signal.aborted, false);
    assertEquals(rig.closed, 1);
  });

  test("whose handler fails is answered in its stead, and the others go on", async () => {
    const rig = new Rig((request) => {
      if (request.url === "/throws") throw new Error("thrown");
      if (request.url === "/rejects") return Promise.reject(new Error("rejected"));
      if (request.url === "/unwritable") return answer("x", [["x-a", "a\r\nb: c"]]);
      if (request.url === "/101") return answer(null, [], 101);
      if (request.url === "/1000") return answer(null, [], 1000);
      return answer("fine");
    }).hello();
    const paths = ["/throws", "/rejects", "/unwritable", "/101", "/1000", "/"];
    paths.forEach((path, i) => void rig.send(headers(2 * i + 1, requestLines([], "GET", path))));
    await settled();
    assertEquals(
      paths.map((_, i) => rig.answered(2 * i + 1).statuses),
      [["500"], ["500"], ["500"], ["500"], ["500"], ["200"]],
    );
    assertEquals(rig.failures.length, 5);
    assertEquals(rig.goaways(), []);
  });
});

describe("an answer over HTTP/2", () => {
  const answered = async (given: HttpAnswer, method = "GET") => {
    const rig = new Rig(() => given).hello();
    rig.send(headers(1, requestLines([], method)));
    await settled();
    return rig.answered(1);
  };

  test("has its fields, without those of one connection of HTTP/1", async () => {
    const found = await answered(
      answer("hi", [
        ["Content-Type", "text/plain"],
        ["Keep-Alive", "timeout=5"],
        ["Transfer-Encoding", "chunked"],
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
        ["Upgrade", "x"],
        ["Proxy-Connection", "x"],
      ]),
    );
    assertEquals(found.fields, [
      [":status", "200"],
      ["content-type", "text/plain"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["content-length", "2"],
      DATE,
    ]);
    assertEquals([found.body, found.ended], ["hi", true]);
  });

  test("of any kind of body arrives whole", async () => {
    const kinds: readonly [HttpAnswer["body"], string, string | undefined][] = [
      [null, "", undefined],
      ["", "", "0"],
      ["h\xe9", "h\xc3\xa9", "3"],
      [new TextEncoder().encode("bytes"), "bytes", "5"],
      [sourceOfPieces(["ab", "cd"]), "abcd", undefined],
      [new Response("stream").body, "stream", undefined],
      [sourceOfPieces([]), "", undefined],
    ];
    for (const [body, text, length] of kinds) {
      const found = await answered(answer(body));
      assertEquals([found.body, found.ended], [text, true]);
      assertEquals(found.fields.find(([name]) => name === "content-length")?.[1], length);
    }
    const known = new PushedBody(4);
    known.onFlow = () => {
      known.push("abcd");
      known.sink!.end(undefined);
    };
    assertEquals((await answered(answer(known))).fields.at(-2), ["content-length", "4"]);
  });

  test("to HEAD, of 204 and of 304 has no body, and the length that is right", async () => {
    const length: Line = ["content-length", "5"];
    const cases: readonly [HttpAnswer, string, string | undefined][] = [
      [answer("hello"), "HEAD", "5"],
      [answer(null, [length]), "HEAD", "5"],
      [answer(null, [length], 304), "GET", "5"],
      [answer(null, [], 304), "GET", undefined],
      [answer("hello", [length], 204), "GET", undefined],
    ];
    for (const [given, method, wanted] of cases) {
      const found = await answered(given, method);
      assertEquals([found.body, found.ended], ["", true]);
      assertEquals(found.fields.find(([name]) => name === "content-length")?.[1], wanted);
    }
    const source = new PushedBody();
    await answered(answer(source), "HEAD");
    assertEquals(source.cancelled.length, 1);
  });

  test("has its trailers, those that may trail", async () => {
    const trailers = Fields.from([
      ["Grpc-Status", "0"],
      ["Content-Length", "1"],
      ["x-b", "c"],
    ]);
    const found = await answered(answer(sourceOfPieces(["a"], trailers)));
    assertEquals(found.fields.slice(-2), [
      ["grpc-status", "0"],
      ["x-b", "c"],
    ]);
    assertEquals(found.ended, true);
  });

  test("whose body breaks off, or is longer or shorter than it said, never ends well", async () => {
    const bodies: ((sink: BodySink) => void)[] = [
      (sink) => sink.fail(new Error("broke")),
      (sink) => sink.data(new Uint8Array(6)),
      (sink) => {
        sink.data(new Uint8Array(4));
        sink.end(undefined);
      },
    ];
    for (const flow of bodies) {
      const source = new PushedBody();
      source.onFlow = () => flow(source.sink!);
      const rig = new Rig(() => answer(source, [["content-length", "5"]])).hello();
      rig.send(get(1));
      await settled();
      assertEquals([rig.resets(1), rig.answered(1).ended], [[H2_ERROR.internal], false]);
      assertEquals(rig.goaways(), []);
    }
  });

  test("may come behind interim answers, which are none of HTTP/1's own", async () => {
    const found = Promise.withResolvers<HttpAnswer>();
    const rig = new Rig(() => found.promise).hello();
    rig.send(get(1));
    const interim = (status: number, lines: readonly Line[] = []): void =>
      rig.requests[0]!.interim!({ status, statusText: "", headers: Fields.from(lines) });
    interim(103, [["link", "</a.css>; rel=preload"]]);
    interim(101);
    interim(200);
    interim(103, [["x", "a\nb"]]);
    found.resolve(answer("done"));
    await settled();
    interim(103);
    await settled();
    assertEquals(rig.answered(1).statuses, ["103", "200"]);
    assertEquals(rig.answered(1).fields[1], ["link", "</a.css>; rel=preload"]);
  });

  test("that comes before the body is whole ends the body", async () => {
    const failures: unknown[] = [];
    const rig = new Rig((request) => {
      (request.body as BodySource | null)?.pipe({ data() {}, end() {}, fail: (error) => void failures.push(error) });
      return answer("early");
    }).hello();
    rig.send(post(1), data(1, "a"));
    await settled();
    assertEquals([rig.answered(1).body, rig.answered(1).ended, rig.resets(1)], ["early", true, [H2_ERROR.noError]]);
    assertEquals(
      failures.map((failure) => (failure as RequestBodyError).failure),
      ["answered"],
    );
    // What was on its way is ignored.
    rig.send(data(1, "b", true), get(3));
    await settled();
    assertEquals([rig.answered(3).statuses, rig.goaways()], [["200"], []]);
  });

  test("leaves with the others of its turn in one write", async () => {
    const waiting: ((found: HttpAnswer) => void)[] = [];
    const rig = new Rig((request) =>
      request.url === "/" ? answer("now") : new Promise((resolve) => void waiting.push(resolve)),
    ).hello();
    const before = rig.socket.writes.length;
    rig.send([...get(1), ...get(3), ...get(5)]);
    await settled();
    assertEquals(rig.socket.writes.length, before + 1);
    rig.send(headers(7, requestLines([], "GET", "/w")), headers(9, requestLines([], "GET", "/w")));
    for (const resolve of waiting) resolve(answer("later"));
    await settled();
    assertEquals(rig.socket.writes.length, before + 2);
    assertEquals(rig.answered(9).body, "later");
  });
});

describe("an HTTP/2 connection's beginning", () => {
  test("announces what it allows", () => {
    const rig = new Rig().hello();
    const { payload } = rig.frames[0]!;
    const found = Array.from({ length: payload.length / 6 }, (_, i) => [
      payload[6 * i + 1],
      readUint32(payload, 6 * i + 2),
    ]);
    assertEquals(found, [
      [SETTING.maxConcurrentStreams, 100],
      [SETTING.initialWindowSize, 32_768],
      [SETTING.enableConnectProtocol, 1],
      [SETTING.maxHeaderListSize, 32_768],
    ]);
  });

  test("may have been read already", async () => {
    const rig = new Rig();
    rig.send(HELLO.slice(0, 10), [...HELLO.slice(10), ...get(1)]);
    await settled();
    assertEquals(rig.answered(1).statuses, ["200"]);
  });
});
