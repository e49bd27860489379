import { describe, test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { BodySink, BodySource } from "../../../src/http/body.ts";
import type { ClientRequest } from "../../../src/http/message.ts";
import { RequestBodyError } from "../../../src/http/request-body-error.ts";
import { collect } from "../../helpers/body.ts";
import { answerOf, connected, DATE, pending, settled } from "./server-rig.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const post = (framing: string, more = ""): string => `POST /p HTTP/1.1\r\nHost: a\r\n${framing}\r\n${more}\r\n`;
const source = (request: ClientRequest): BodySource => request.body as BodySource;

/** A sink that records. */
function sink() {
  let text = "";
  const ends: string[] = [];
  const to: BodySink = {
    data(bytes) {
      text += Buffer.from(bytes).toString("latin1");
    },
    end: (trailers) => void ends.push(`end ${trailers?.size ?? 0}`),
    fail: (error) => void ends.push((error as RequestBodyError).failure),
  };
  return { to, ends, text: () => text };
}

describe("a request", () => {
  test("is handed over as it was sent, with its peer", () => {
    const peers: string[] = [];
    const { socket, requests } = connected((_request, peer) => {
      peers.push(peer);
      return answerOf();
    });
    socket.receive("LIST /a%2Fb?c HTTP/1.1\r\nHost: H\r\nX-a: 1\r\nx-A:2\r\n\r\n");
    socket.receive("GET http://user.example:81/x HTTP/1.1\r\nHost: user.example:81\r\nExpect: 100-continue\r\n\r\n");
    const [first, second] = requests;
    const lines: string[] = [];
    for (const name of ["host", "x-a"]) lines.push(`${name}=${first!.headers.get(name)}`);
    assertEquals([first!.method, first!.url, first!.authority, first!.body], ["LIST", "/a%2Fb?c", undefined, null]);
    assertEquals([lines, first!.expectsContinue], [["host=H", "x-a=1, 2"], false]);
    assertEquals([second!.url, second!.authority], ["/x", "user.example:81"]);
    assertEquals(peers, ["192.0.2.7", "192.0.2.7"]);
  });

  test("is answered before the next one is handed over, and each gets its own answer", async () => {
    const { handler, answer } = pending();
    const { socket, requests, connection } = connected(handler);
    socket.receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTT");
    assertEquals(
      requests.map(({ url }) => url),
      ["/1"],
    );
    assert(connection.heldBytes > 0);
    await answer(answerOf("one"));
    assertEquals(
      requests.map(({ url }) => url),
      ["/1", "/2"],
    );
    await answer(answerOf("two"));
    assertEquals([requests.length, connection.phase], [2, "head"]);
    socket.receive("P/1.1\r\nHost: a\r\n\r\n");
    await answer(answerOf("three"));
    const bodies = socket.taken
      .split("HTTP/1.1 200 OK")
      .slice(1)
      .map((text) => text.split("\r\n\r\n")[1]);
    assertEquals(bodies, ["one", "two", "three"]);
    assertEquals([connection.phase, connection.heldBytes], ["idle", 0]);
  });

  test("waits until the client has taken the answer before it", () => {
    const { socket, requests, connection } = connected(() => answerOf("x"));
    socket.room = 10;
    socket.receive(GET.repeat(3));
    assertEquals([requests.length, connection.phase], [1, "request"]);
    socket.take(connection.waiting);
    assertEquals(requests.length, 2);
    socket.take(1_000_000);
    assertEquals([requests.length, connection.phase], [3, "idle"]);
  });

  test("behind thousands of others in one piece takes no stack", () => {
    let count = 0;
    const { socket } = connected(() => {
      count++;
      return answerOf();
    });
    socket.receive(GET.repeat(20_000));
    assertEquals(count, 20_000);
  });

  test("under way lets 64 KiB come behind it, and no more", async () => {
    const { handler, answer } = pending();
    const { socket, connection } = connected(handler);
    socket.receive(GET);
    for (let i = 0; i < 64; i++) socket.receive(`${GET}X`.padEnd(1000, "x"));
    assert(!socket.paused);
    socket.receive("x".repeat(2000));
    assert(socket.paused);
    assertEquals(connection.heldBytes, 66_000);
    await answer(answerOf());
    assert(connection.heldBytes < 66_000);
  });

  test("is read alike wherever it is cut", async () => {
    const whole =
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" +
      "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-T: 1\r\nHost: b\r\n\r\n" +
      "\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n";
    const wanted = ["/1 hello []", '/2 hello world [["X-T","1"]]', "/3  []"];
    for (let cut = 0; cut <= whole.length; cut++) {
      const read: string[] = [];
      const { socket, refusals } = connected(async (request) => {
        const body = await collect(request.body);
        read.push(`${request.url} ${body.text} ${JSON.stringify(body.trailers)}`);
        return answerOf("x");
      });
      socket.receive(whole.slice(0, cut));
      if (cut % 3 === 0) await settled();
      socket.receive(whole.slice(cut));
      await settled();
      assertEquals([read, refusals], [wanted, []], `cut at ${cut}`);
      assertEquals(socket.taken.split("HTTP/1.1 200 OK").length, 4);
    }
  });
});

describe("a request's body", () => {
  for (const [framing, sent] of [
    ["Content-Length: 10", (text: string) => text],
    ["Transfer-Encoding: chunked", (text: string) => `${text.length}\r\n${text}\r\n`],
  ] as const) {
    test(`comes as it is sent, and waits while its sink does: ${framing}`, async () => {
      const { handler, answer } = pending();
      const { socket, requests, connection } = connected(handler);
      socket.receive(post(framing) + sent("ab"));
      const body = source(requests[0]!);
      assertEquals(body.length, framing.endsWith("10") ? 10 : undefined);
      const { to, text, ends } = sink();
      assert(connection.awaitsBody);
      body.pipe(to);
      assertEquals(text(), "ab");
      socket.receive(sent("cd"));
      assertEquals([text(), connection.bodyBytes], ["abcd", 4]);
      body.pause();
      assert(socket.paused && !connection.awaitsBody);
      socket.receive(sent("ef"));
      assertEquals(text(), "abcd");
      body.resume();
      await settled();
      assertEquals(text(), "abcdef");
      socket.receive(`${sent("ghij")}${framing.endsWith("d") ? "0\r\nA: b\r\n\r\n" : ""}${GET}`);
      assertEquals([text(), ends], ["abcdefghij", [framing.endsWith("d") ? "end 1" : "end 0"]]);
      assert(!connection.awaitsBody);
      assertEquals(requests.length, 1);
      await answer(answerOf());
      assertEquals(requests.length, 2);
    });
  }

  test("that comes before it is wanted is held up to 64 KiB", async () => {
    const { handler } = pending();
    const { socket, requests } = connected(handler);
    socket.receive(post("Content-Length: 200000"));
    for (let i = 0; i < 65; i++) socket.receive("x".repeat(1000));
    assert(!socket.paused);
    socket.receive("x".repeat(1000));
    assert(socket.paused);
    const { to, text } = sink();
    source(requests[0]!).pipe(to);
    assertEquals([text().length, socket.paused], [66_000, false]);
  });

  test("that a sink pauses within a piece hands over nothing more, its end included", async () => {
    const { socket, requests } = connected(pending().handler);
    socket.receive(post("Content-Length: 4"));
    const body = source(requests[0]!);
    const { to, text, ends } = sink();
    body.pipe({
      ...to,
      data(bytes) {
        to.data(bytes);
        body.pause();
      },
    });
    socket.receive("ab");
    socket.receive("cd");
    await settled();
    assertEquals([text(), ends], ["ab", []]);
    body.resume();
    await settled();
    assertEquals([text(), ends], ["abcd", []]);
    body.resume();
    assertEquals(ends, ["end 0"]);
  });

  test("of the length 0 is none", () => {
    const { socket, requests } = connected(() => answerOf());
    socket.receive(post("Content-Length: 0"));
    assertEquals(requests[0]!.body, null);
  });

  test("in bad chunks breaks the request: its sink hears of it, 400, nothing behind it is answered", async () => {
    const { handler, answer } = pending();
    const { socket, requests, refusals, connection } = connected(handler);
    socket.receive(post("Transfer-Encoding: chunked"));
    const { to, text, ends } = sink();
    source(requests[0]!).pipe(to);
    socket.receive(`2\r\nab\r\nx\r\n${GET}`);
    assertEquals([text(), ends, requests[0]!.signal.aborted], ["", ["refused"], true]);
    assert(socket.taken.startsWith("HTTP/1.1 400 Bad Request\r\n") && socket.taken.includes("Connection: close\r\n"));
    assertEquals([refusals.length, refusals[0]!.request], [1, requests[0]]);
    assertEquals([socket.ends, connection.phase], [["end"], "lingering"]);
    const before = socket.taken;
    await answer(answerOf("late"));
    socket.receive(GET);
    assertEquals([socket.taken, requests.length], [before, 1]);
  });

  test("in bad chunks that are there with the head is refused before its handler has it", () => {
    const { socket, requests } = connected(() => answerOf());
    socket.receive(`${post("Transfer-Encoding: chunked")}zz\r\n`);
    assert(socket.taken.startsWith("HTTP/1.1 400 "));
    assertEquals(requests.length, 0);
  });

  test("in bad chunks while the answer is on its way breaks that off", () => {
    const { socket, requests, refusals } = connected((request) => answerOf(source(request)));
    socket.receive(`${post("Transfer-Encoding: chunked")}2\r\nab\r\n`);
    assert(socket.taken.endsWith("2\r\nab\r\n"));
    socket.receive("zz\r\n");
    assert(socket.taken.endsWith("2\r\nab\r\n"));
    assertEquals([socket.ends, requests.length, refusals.length], [["end"], 1, 0]);
  });

  test("can be its own answer", () => {
    const { socket, requests, connection } = connected((request) =>
      answerOf(request.body, request.body === null ? [] : ["Content-Length: 100000"]),
    );
    socket.receive(post("Content-Length: 100000"));
    for (let i = 0; i < 10; i++) socket.receive("x".repeat(10_000));
    socket.receive(GET);
    assert(socket.taken.includes(`\r\n\r\n${"x".repeat(100_000)}HTTP/1.1 200 OK`));
    assertEquals([requests.length, connection.phase], [2, "idle"]);
  });

  test("that is not read does not cost its connection where little of it is missing", () => {
    const { socket, requests, connection } = connected(() => answerOf("x"));
    socket.receive(post("Content-Length: 1000"));
    assertEquals([connection.phase, connection.awaitsBody], ["unread", false]);
    assert(!socket.taken.includes("Connection"));
    socket.receive(`${"x".repeat(1000)}GET /next HTTP/1.1\r\nHost: a\r\n\r\n`);
    assertEquals([requests[1]!.url, connection.phase], ["/next", "idle"]);
  });

  for (const framing of ["Content-Length: 70000", "Transfer-Encoding: chunked"]) {
    test(`that is not read ends the connection where much may be missing: ${framing}`, async () => {
      const { socket, connection, closed } = connected((request) => {
        source(request).cancel();
        return answerOf("too large", [], 413);
      });
      socket.receive(post(framing));
      assert(socket.taken.includes("Connection: close\r\n"));
      assertEquals([socket.ends, connection.phase], [["end"], "lingering"]);
      // The client goes on, and reads its answer in the meantime.
      socket.receive("x".repeat(60_000));
      assertEquals([socket.paused, closed.length], [false, 0]);
      socket.receive("x".repeat(9000));
      assert(socket.paused);
      connection.expire("linger");
      assertEquals([socket.ends, connection.phase, closed.length], [["end", "destroy"], "over", 1]);
    });
  }

  test("goes on to its sink when the answer is complete, up to 64 KiB more", async () => {
    const { handler, answer } = pending();
    const { socket, requests, connection } = connected(handler);
    socket.receive(post("Content-Length: 200000"));
    const { to, text, ends } = sink();
    source(requests[0]!).pipe(to);
    socket.receive("x".repeat(1000));
    await answer(answerOf("early"));
    assertEquals([connection.phase, text().length], ["unread", 1000]);
    for (let i = 0; i < 65; i++) socket.receive("x".repeat(1000));
    assertEquals([connection.phase, text().length, ends], ["unread", 66_000, []]);
    socket.receive("x".repeat(1000));
    assertEquals([connection.phase, ends, socket.ends], ["lingering", ["answered"], ["end"]]);
  });

  test("that is cancelled is dropped, and what is asked for then is not there", async () => {
    const { handler, answer } = pending();
    const { socket, requests, connection } = connected(handler);
    socket.receive(`${post("Content-Length: 10")}abc`);
    const body = source(requests[0]!);
    body.cancel();
    const { to, text, ends } = sink();
    body.pipe(to);
    socket.receive("defghij");
    await answer(answerOf());
    assertEquals([text(), ends, connection.phase], ["", [], "idle"]);
  });
});

describe("a client that expects 100", () => {
  const EXPECT = post("Content-Length: 3", "Expect: 100-continue\r\n");
  const CONTINUE = { status: 100, statusText: "", headers: new Headers() };

  test("gets it, sends its body, and keeps its connection", async () => {
    const { handler, answer } = pending();
    const { socket, requests, connection } = connected(handler);
    socket.receive(EXPECT);
    assertEquals([requests[0]!.expectsContinue, connection.awaitsBody], [true, false]);
    const { to, text } = sink();
    source(requests[0]!).pipe(to);
    requests[0]!.interim!(CONTINUE);
    assertEquals([socket.taken, connection.awaitsBody], ["HTTP/1.1 100 Continue\r\n\r\n", true]);
    socket.receive("abc");
    await answer(answerOf());
    assertEquals([text(), connection.phase], ["abc", "idle"]);
  });

  test("and gets an answer before that is not asked for more: who knows whether the body comes", () => {
    const { socket, connection } = connected(() => answerOf("no", [], 403));
    socket.receive(EXPECT);
    assert(socket.taken.includes("Connection: close\r\n"));
    assertEquals(connection.phase, "lingering");
  });

  test("and sends its body all the same keeps its connection", () => {
    const { socket, connection } = connected(() => answerOf("no", [], 403));
    socket.receive(`${EXPECT}abc`);
    assertEquals(connection.phase, "idle");
  });
});

describe("what is no request", () => {
  for (const text of [
    "GET /\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "\0\x16\x03",
    `${post("Transfer-Encoding: gzip")}`,
  ]) {
    test(`is refused, and nothing behind it is answered: ${JSON.stringify(text)}`, async () => {
      const { socket, requests, refusals, connection } = connected(() => answerOf());
      socket.receive(GET + text + GET);
      await settled();
      const [, , second] = socket.taken.replaceAll(DATE, "").split("HTTP/1.1 ");
      assert(second!.startsWith("400 Bad Request\r\n") && second!.includes("Connection: close\r\n"), second!);
      assertEquals([requests.length, refusals.length, refusals[0]!.peer], [1, 1, "192.0.2.7"]);
      assertEquals([socket.ends, connection.phase], [["end"], "lingering"]);
      socket.receive(GET);
      assertEquals(requests.length, 1);
    });
  }

  test("a refused HEAD has no body", () => {
    const { socket } = connected(() => answerOf());
    socket.receive("HEAD / HTTP/1.1\r\n\r\n");
    assert(socket.taken.startsWith("HTTP/1.1 400 ") && socket.taken.endsWith("\r\n\r\n"));
  });
});

test("a body that is collected from a client that leaves rejects", async () => {
  const { socket, requests } = connected(pending().handler);
  socket.receive(`${post("Content-Length: 10")}abc`);
  const collected = collect(requests[0]!.body);
  socket.fin();
  const error = await assertRejects(() => collected, RequestBodyError);
  assertEquals((error as RequestBodyError).failure, "client_gone");
});
