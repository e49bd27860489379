import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { Body } from "../../../src/http/body.ts";
import { Fields } from "../../../src/http/header-fields.ts";
import type { HttpAnswer } from "../../../src/http/message.ts";
import { PushedBody, sourceOfPieces } from "../../helpers/body.ts";
import { answerOf, connected, DATE, pending, settled } from "./server-rig.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

interface Case {
  readonly promise: string;
  readonly request?: string;
  readonly answer: () => HttpAnswer;
  /** Without `Date`. */
  readonly sent: string;
  /** The connection ends with it. */
  readonly last?: true;
}

const head = (lines: readonly string[]): string => `${lines.join("\r\n")}\r\n\r\n`;
const stream = (text: string): Body => new Response(text).body as Body;
const OLD = "GET / HTTP/1.0\r\n\r\n";
const OLD_KEPT = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
const HEAD = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";

const CASES: readonly Case[] = [
  {
    promise: "without a body has the length 0",
    answer: () => answerOf(),
    sent: head(["HTTP/1.1 200 OK", "Content-Length: 0"]),
  },
  {
    promise: "of bytes has their length, whatever its fields say, in the place where they say it",
    answer: () => answerOf(new Uint8Array([104, 105]), ["content-length: 7", "X-A: b"]),
    sent: `${head(["HTTP/1.1 200 OK", "content-length: 2", "X-A: b"])}hi`,
  },
  {
    promise: "of a text has the length of its bytes in UTF-8",
    answer: () => answerOf("é"),
    sent: `${head(["HTTP/1.1 200 OK", "Content-Length: 2"])}\u00c3\u00a9`,
  },
  {
    promise: "keeps its fields in their order and letters, and its reason phrase",
    answer: () => ({
      ...answerOf("", ["X-b: 1", "a: \u00fc", "Set-Cookie: x", "SET-COOKIE: y"], 299),
      statusText: "Fine \u00e9",
    }),
    sent: head([
      "HTTP/1.1 299 Fine \u00e9",
      "X-b: 1",
      "a: \u00fc",
      "Set-Cookie: x",
      "SET-COOKIE: y",
      "Content-Length: 0",
    ]),
  },
  {
    promise: "of an unusual status may have no reason phrase",
    answer: () => answerOf(null, [], 299),
    sent: head(["HTTP/1.1 299 ", "Content-Length: 0"]),
  },
  {
    promise: "loses the fields that belong to one hop",
    answer: () =>
      answerOf("", [
        "Transfer-Encoding: gzip",
        "Keep-Alive: timeout=9",
        "Connection: x-a",
        "Upgrade: x",
        "TE: a",
        "Proxy-Connection: b",
      ]),
    sent: head(["HTTP/1.1 200 OK", "Content-Length: 0"]),
  },
  {
    promise: "on its way keeps the length it has",
    answer: () => answerOf(sourceOfPieces(["ab", "cd"]), ["CONTENT-LENGTH: 4"]),
    sent: `${head(["HTTP/1.1 200 OK", "CONTENT-LENGTH: 4"])}abcd`,
  },
  {
    promise: "on its way has the length that its source knows",
    answer: () => {
      const body = new PushedBody(3);
      body.onFlow = () => {
        body.push("abc");
        body.sink!.end(undefined);
      };
      return answerOf(body);
    },
    sent: `${head(["HTTP/1.1 200 OK", "Content-Length: 3"])}abc`,
  },
  {
    promise: "without a length comes in chunks, a source's trailers behind them, those that may stand there",
    answer: () =>
      answerOf(
        sourceOfPieces(
          ["0123456789", "abcdefghijklmnopq"],
          Fields.from([
            ["X-Sum", "1"],
            ["Content-Length", "3"],
            ["a b", "c"],
            ["d", "e\r\nf: g"],
          ]),
        ),
        ["X-A: b"],
      ),
    sent: `${head(["HTTP/1.1 200 OK", "X-A: b", "Transfer-Encoding: chunked"])}a\r\n0123456789\r\n11\r\nabcdefghijklmnopq\r\n0\r\nX-Sum: 1\r\n\r\n`,
  },
  {
    promise: "that is an empty stream is the last chunk alone",
    answer: () => answerOf(sourceOfPieces([])),
    sent: `${head(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"])}0\r\n\r\n`,
  },
  {
    promise: "of fetch's kind is sent as any other",
    answer: () => new Response(new Response("abc").body, { status: 201, headers: { "x-a": "b" } }) as HttpAnswer,
    sent: `${head(["HTTP/1.1 201 Created", "x-a: b", "Transfer-Encoding: chunked"])}3\r\nabc\r\n0\r\n\r\n`,
  },
  {
    promise: "of fetch's kind keeps its length",
    answer: () => answerOf(stream("abc"), ["Content-Length: 3"]),
    sent: `${head(["HTTP/1.1 200 OK", "Content-Length: 3"])}abc`,
  },
  {
    promise: "to HTTP/1.0 ends with the connection where it has no length",
    request: OLD_KEPT,
    answer: () => answerOf(sourceOfPieces(["ab", "cd"], Fields.from([["x", "y"]]))),
    sent: `${head(["HTTP/1.1 200 OK", "Connection: close"])}abcd`,
    last: true,
  },
  {
    promise: "to HTTP/1.0 keeps the connection where that was asked for",
    request: OLD_KEPT,
    answer: () => answerOf("ab"),
    sent: `${head(["HTTP/1.1 200 OK", "Content-Length: 2", "Connection: keep-alive"])}ab`,
  },
  {
    promise: "to HTTP/1.0 is the last where nothing was asked for",
    request: OLD,
    answer: () => answerOf("ab"),
    sent: `${head(["HTTP/1.1 200 OK", "Content-Length: 2", "Connection: close"])}ab`,
    last: true,
  },
  {
    promise: "is the last where the client asks for that",
    request: "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n",
    answer: () => answerOf("ab"),
    sent: `${head(["HTTP/1.1 200 OK", "Content-Length: 2", "Connection: close"])}ab`,
    last: true,
  },
  {
    promise: "is the last where its fields ask for that",
    answer: () => answerOf("ab", ["connection: x, CLOSE"]),
    sent: `${head(["HTTP/1.1 200 OK", "Content-Length: 2", "Connection: close"])}ab`,
    last: true,
  },
  {
    promise: "to HEAD has no body, and the length it has",
    request: HEAD,
    answer: () => answerOf(null, ["Content-Length: 12"]),
    sent: head(["HTTP/1.1 200 OK", "Content-Length: 12"]),
  },
  {
    promise: "to HEAD has no length where it has none",
    request: HEAD,
    answer: () => answerOf(sourceOfPieces(["x"])),
    sent: head(["HTTP/1.1 200 OK"]),
  },
  {
    promise: "to HEAD has the length that a GET would see",
    request: HEAD,
    answer: () => answerOf("abc"),
    sent: head(["HTTP/1.1 200 OK", "Content-Length: 3"]),
  },
  {
    promise: "304 has no body, and the length it has",
    answer: () => answerOf("abc", ["Content-Length: 12", "ETag: x"], 304),
    sent: head(["HTTP/1.1 304 Not Modified", "Content-Length: 12", "ETag: x"]),
  },
  {
    promise: "204 has neither a body nor a length",
    answer: () => answerOf("abc", ["Content-Length: 3"], 204),
    sent: head(["HTTP/1.1 204 No Content"]),
  },
  {
    promise: "says one length where it has the same twice",
    answer: () => answerOf(sourceOfPieces(["abc"]), ["Content-Length: 3", "content-length: 3"]),
    sent: `${head(["HTTP/1.1 200 OK", "Content-Length: 3"])}abc`,
  },
];

describe("an answer", () => {
  for (const { promise, request = GET, answer, sent, last } of CASES) {
    test(promise, async () => {
      const { socket, connection, failures } = connected(() => answer());
      socket.receive(request);
      await settled();
      assertEquals(socket.taken.replace(DATE, ""), sent);
      assertEquals(failures, []);
      assertEquals([socket.ends, connection.phase], last ? [["end"], "lingering"] : [[], "idle"]);
    });
  }

  test("has the date where it has none, and its own where it has one", async () => {
    const { socket } = connected(() => answerOf("", ["date: yesterday"]));
    socket.receive(GET);
    assert(!socket.taken.includes(DATE) && socket.taken.includes("date: yesterday\r\n"));
    const other = connected(() => answerOf());
    other.socket.receive(GET);
    assert(other.socket.taken.includes(DATE));
  });

  for (const [what, answer] of [
    ["a value with a line's end", () => answerOf("x", ["X-A: b\r\nX-C: d"])],
    ["a value with a character that is no byte", () => answerOf("x", ["X-A: \u010a"])],
    ["a name that is no token", () => answerOf("x", ["X A: b"])],
    ["a reason phrase with a line's end", () => ({ ...answerOf("x"), statusText: "a\r\nb: c" })],
    ["a status that HTTP does not know", () => answerOf("x", [], 1000)],
    ["a status that is no number", () => answerOf("x", [], Number.NaN)],
    ["an interim status", () => answerOf("x", [], 103)],
    ["a change of protocols that was not asked for", () => answerOf(null, ["Upgrade: x"], 101)],
    ["two lengths", () => answerOf(sourceOfPieces(["x"]), ["Content-Length: 1", "Content-Length: 2"])],
    ["a length that is no number", () => answerOf(sourceOfPieces(["x"]), ["Content-Length: +1"])],
  ] as const satisfies readonly (readonly [string, () => HttpAnswer])[]) {
    test(`with ${what} is a plain 500, and nothing of it leaves`, async () => {
      const source = new PushedBody();
      const { socket, failures, connection } = connected(() => {
        const made: HttpAnswer = answer();
        return made.body instanceof PushedBody ? { ...made, body: source } : made;
      });
      socket.receive(GET);
      await settled();
      assertEquals(
        socket.taken.replace(DATE, ""),
        `${head(["HTTP/1.1 500 Internal Server Error", "Content-Length: 8"])}internal`,
      );
      assertEquals([failures.length, source.sink, connection.phase], [1, undefined, "idle"]);
    });
  }

  test("of a handler that throws or rejects is a 500", async () => {
    const wrong = new Error("wrong");
    const { handler, fail } = pending();
    let first = true;
    const { socket, failures } = connected((request, peer) => {
      if (!first) return handler(request, peer);
      first = false;
      throw wrong;
    });
    socket.receive(GET + GET);
    await fail(wrong);
    assertEquals(failures, [wrong, wrong]);
    assertEquals(socket.taken.split("HTTP/1.1 500 ").length, 3);
  });

  test("leaves in one write where its body is there, bytes, a text or a source's", async () => {
    for (const body of ["abc", new Uint8Array(3), sourceOfPieces(["abc"])]) {
      const { socket } = connected(() => answerOf(body));
      socket.receive(GET);
      assertEquals(socket.writes.length, 1);
    }
  });

  test("whose body is not there yet leaves with its head at once, and piece by piece then", async () => {
    const body = new PushedBody();
    const { socket, connection } = connected(() => answerOf(body));
    socket.receive(GET);
    assert(socket.taken.endsWith("Transfer-Encoding: chunked\r\n\r\n"));
    body.push("ab");
    assert(socket.taken.endsWith("2\r\nab\r\n"));
    assertEquals(connection.phase, "request");
    body.sink!.end(undefined);
    assert(socket.taken.endsWith("2\r\nab\r\n0\r\n\r\n"));
    assertEquals(connection.phase, "idle");
  });

  test("is sent no faster than its client reads", async () => {
    const body = new PushedBody();
    const { socket, connection } = connected(() => answerOf(body, ["Content-Length: 6"]));
    socket.room = 5;
    socket.receive(GET);
    assert(body.paused);
    assertEquals(connection.phase, "request");
    assert(connection.waiting > 0 && connection.heldBytes === connection.waiting);
    socket.take(connection.waiting);
    assert(!body.paused);
    socket.take(2);
    body.push("abc");
    assert(body.paused);
    socket.take(10);
    body.push("def");
    assert(socket.taken.endsWith("\r\n\r\nabcdef"));
    assertEquals(connection.phase, "request");
    body.sink!.end(undefined);
    assertEquals(connection.phase, "idle");
  });

  for (const [what, length, pieces] of [
    ["longer", 3, ["ab", "cd"]],
    ["longer, at once,", 3, ["abcd"]],
    ["shorter", 5, ["ab", "cd"]],
  ] as const) {
    test(`whose body is ${what} than its length is broken off, never padded or cut`, async () => {
      const body = new PushedBody();
      const { socket, connection, requests } = connected(() => answerOf(body, [`Content-Length: ${length}`]));
      socket.receive(GET + GET);
      for (const piece of pieces) if (body.cancelled.length === 0) body.push(piece);
      if (body.cancelled.length === 0) body.sink!.end(undefined);
      const [, sent] = socket.taken.split("\r\n\r\n");
      assert(sent!.length < length);
      assertEquals([socket.ends, connection.phase, requests.length], [["end"], "lingering", 1]);
    });
  }

  test("whose source breaks is broken off: no last chunk, what came before it is sent", async () => {
    const body = new PushedBody();
    const { socket, requests } = connected(() => answerOf(body));
    socket.receive(GET + GET);
    body.push("ab");
    body.sink!.fail(new Error("broken"));
    assert(socket.taken.endsWith("2\r\nab\r\n"));
    assertEquals([socket.ends, requests.length], [["end"], 1]);
  });

  test("whose source breaks at once has its head sent, and is broken off", async () => {
    const body = new PushedBody();
    body.onFlow = () => {
      body.push("ab");
      body.sink!.fail(new Error("broken"));
    };
    const { socket } = connected(() => answerOf(body));
    socket.receive(GET);
    assert(socket.taken.endsWith("Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"));
    assertEquals(socket.ends, ["end"]);
  });

  test("that ends with its connection and breaks is reset: its client must not take it for whole", async () => {
    const body = new PushedBody();
    const { socket, closed } = connected(() => answerOf(body));
    socket.receive(OLD);
    body.push("ab");
    body.sink!.fail(new Error("broken"));
    assertEquals([socket.ends, closed.length], [["reset"], 1]);
  });

  test("with a piece of no bytes does not end there", async () => {
    const body = new PushedBody();
    const { socket } = connected(() => answerOf(body));
    socket.receive(GET);
    body.push("");
    body.push("a");
    assert(socket.taken.endsWith("\r\n\r\n1\r\na\r\n"));
  });
});

describe("an interim answer", () => {
  const EARLY = {
    status: 103,
    statusText: "",
    headers: Fields.from([
      ["Link", "</a>"],
      ["Content-Length", "3"],
    ]),
  };

  test("leaves at once, as often as it comes, without what belongs to answers alone", async () => {
    const { handler, answer } = pending();
    const { socket, requests } = connected(handler);
    socket.receive(GET);
    requests[0]!.interim!(EARLY);
    requests[0]!.interim!({ ...EARLY, statusText: "Soon" });
    assertEquals(socket.taken, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Soon\r\nLink: </a>\r\n\r\n");
    await answer(answerOf());
    const before = socket.taken;
    requests[0]!.interim!(EARLY);
    assertEquals(socket.taken, before);
  });

  test("does not go to HTTP/1.0, nor with what cannot be sent, nor behind the head, nor as a change of protocols", async () => {
    const old = connected(pending().handler);
    old.socket.receive(OLD);
    old.requests[0]!.interim!(EARLY);
    assertEquals(old.socket.taken, "");
    const { socket, requests } = connected(pending().handler);
    socket.receive(GET);
    requests[0]!.interim!({ ...EARLY, headers: Fields.from([["a", "b\r\nc: d"]]) });
    for (const status of [101, 200, 99]) requests[0]!.interim!({ ...EARLY, status });
    assertEquals(socket.taken, "");
    const body = new PushedBody();
    const begun = connected(() => answerOf(body));
    begun.socket.receive(GET);
    const before = begun.socket.taken;
    begun.requests[0]!.interim!(EARLY);
    assertEquals(begun.socket.taken, before);
  });
});
