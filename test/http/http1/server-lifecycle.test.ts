import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { BodySink, BodySource } from "../../../src/http/body.ts";
import { ServerConnection } from "../../../src/http/http1/server-connection.ts";
import type { RequestBodyError } from "../../../src/http/request-body-error.ts";
import { PushedBody } from "../../helpers/body.ts";
import { FakeSocket } from "../../helpers/fake-socket.ts";
import { until } from "../../helpers/wait.ts";
import { answerOf, connected, pending, recorded, settled } from "./server-rig.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";

/** A sink that only says how its body ended. */
function ends(): { sink: BodySink; ended: string[] } {
  const ended: string[] = [];
  const sink: BodySink = {
    data() {},
    end: () => void ended.push("end"),
    fail: (error) => void ended.push((error as RequestBodyError).failure),
  };
  return { sink, ended };
}

describe("a client that sends no more", () => {
  test("between requests is let go of quietly, its answers taken", () => {
    for (const before of ["", GET, "\r\n"]) {
      const { socket, closed, failures, connection } = connected(() => answerOf("x"));
      socket.receive(before);
      socket.fin();
      assertEquals([socket.ends, closed, connection.phase], [["destroy"], [connection], "over"]);
      assertEquals([failures.length, socket.taken.endsWith("x")], [0, before === GET]);
    }
  });

  test("in a head gets no answer", () => {
    const { socket, requests, refusals } = connected(() => answerOf());
    socket.receive("GET / HTTP/1.1\r\nHo");
    socket.fin();
    assertEquals([socket.taken, socket.ends, requests.length, refusals.length], ["", ["destroy"], 0, 0]);
  });

  for (const [how, leave] of [
    ["with a FIN", "fin"],
    ["with a reset", "cut"],
  ] as const) {
    test(`${how} before its answer is gone: the signal fires, the connection closes, the answer is let go of`, async () => {
      const { handler, answer } = pending();
      const { socket, requests, closed, failures } = connected(handler);
      socket.receive(POST);
      const { sink, ended } = ends();
      (requests[0]!.body as BodySource).pipe(sink);
      const signalled: boolean[] = [];
      requests[0]!.signal.addEventListener("abort", () => signalled.push(ended.length === 0));
      socket[leave]();
      await settled();
      // Who is to blame is known before its body breaks off.
      assertEquals([signalled, ended, requests[0]!.signal.aborted], [[true], ["client_gone"], true]);
      assertEquals([socket.ends.includes("destroy"), closed.length], [true, 1]);
      const body = new PushedBody();
      await answer(answerOf(body));
      assertEquals([socket.taken, body.cancelled.length, failures.length], ["", 1, 0]);
    });

    test(`${how} in the middle of its answer has that cancelled`, async () => {
      const body = new PushedBody();
      const { socket, requests, closed } = connected(() => answerOf(body));
      socket.receive(GET);
      body.push("a");
      socket[leave]();
      await settled();
      assertEquals([body.cancelled.length, requests[0]!.signal.aborted, closed.length], [1, true, 1]);
    });
  }

  test("together with its request is gone, though the request is whole", async () => {
    const { handler, answer } = pending();
    const { socket, requests } = connected(handler);
    socket.receive(GET);
    socket.fin();
    assertEquals([requests[0]!.signal.aborted, socket.ends], [true, ["destroy"]]);
    await answer(answerOf("x"));
    assertEquals(socket.taken, "");
  });

  test("and is asked for later finds that it left", () => {
    const { socket, requests } = connected(pending().handler);
    socket.receive(GET);
    socket.cut();
    const { signal } = requests[0]!;
    return settled().then(() => assert(signal.aborted && requests[0]!.signal === signal));
  });

  test("behind its last answer closes the connection at once", () => {
    const { socket, connection } = connected(() => answerOf("x", ["Connection: close"]));
    socket.receive(GET);
    assertEquals([socket.ends, connection.phase], [["end"], "lingering"]);
    socket.fin();
    assertEquals([socket.ends, connection.phase], [["end", "destroy"], "over"]);
  });
});

describe("drain", () => {
  test("closes a connection without a request at once, before its first one and later", () => {
    for (const before of ["", GET]) {
      const { socket, connection, closed } = connected(() => answerOf());
      socket.receive(before);
      connection.drain();
      assertEquals([socket.ends, closed.length], [["destroy"], 1]);
    }
  });

  test("makes the answer under way the last", async () => {
    const { handler, answer } = pending();
    const { socket, connection } = connected(handler);
    socket.receive(GET);
    connection.drain();
    await answer(answerOf());
    assert(socket.taken.includes("Connection: close\r\n"));
    assertEquals([socket.ends, connection.phase], [["end"], "lingering"]);
  });

  test("lets a head come to its end, and its answer be the last", () => {
    const { socket, connection, requests } = connected(() => answerOf());
    socket.receive(GET.slice(0, 9));
    connection.drain();
    socket.receive(GET.slice(9) + GET);
    assert(socket.taken.includes("Connection: close\r\n"));
    assertEquals([requests.length, connection.phase], [1, "lingering"]);
  });

  test("closes behind an answer whose head had left; the one that came behind it is still answered", () => {
    for (const behind of ["", GET]) {
      const body = new PushedBody();
      let first = true;
      const { socket, connection, requests } = connected(() => {
        const answer = answerOf(first ? body : null);
        first = false;
        return answer;
      });
      socket.receive(GET + behind);
      connection.drain();
      body.sink!.end(undefined);
      assertEquals(requests.length, behind === "" ? 1 : 2);
      assertEquals(socket.taken.includes("Connection: close\r\n"), behind !== "");
      assertEquals(connection.phase, behind === "" ? "over" : "lingering");
    }
  });
});

describe("a connection whose time is up", () => {
  test("in a head answers 408 and ends; the time is that of its first byte", async () => {
    const { socket, connection, clock, refusals } = connected(() => answerOf());
    socket.receive("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    await clock.advance(100);
    socket.receive("G");
    await clock.advance(100);
    socket.receive("E");
    assertEquals([connection.phase, clock.now() - connection.since], ["head", 100]);
    connection.expire("head");
    assert(socket.taken.includes("HTTP/1.1 408 Request Timeout\r\n") && socket.taken.includes("Connection: close\r\n"));
    assert(socket.taken.endsWith("took too long to arrive"));
    assertEquals([refusals.map(({ problem }) => problem), connection.phase], [["request_timeout"], "lingering"]);
  });

  test("without a request closes silently", () => {
    const { socket, connection } = connected(() => answerOf());
    connection.expire("keep_alive");
    assertEquals([socket.taken, socket.ends, connection.phase], ["", ["destroy"], "over"]);
  });

  test("in a body answers 408: the handler's own answer comes too late", async () => {
    const { handler, answer } = pending();
    const { socket, connection, requests } = connected(handler);
    socket.receive(POST);
    const { sink, ended } = ends();
    (requests[0]!.body as BodySource).pipe(sink);
    connection.expire("body");
    assertEquals([ended, requests[0]!.signal.aborted], [["stalled"], true]);
    const sent = socket.taken;
    assert(sent.startsWith("HTTP/1.1 408 "));
    await answer(answerOf("x"));
    assertEquals(socket.taken, sent);
  });

  test("in a body whose answer is on its way breaks that off", () => {
    const body = new PushedBody();
    const { socket, connection } = connected(() => answerOf(body));
    socket.receive(POST);
    connection.expire("body");
    assertEquals([body.cancelled.length, socket.ends, connection.phase], [1, ["end"], "lingering"]);
    assert(!socket.taken.includes("408"));
  });

  test("because its client takes nothing is reset, and the answer is let go of", () => {
    const body = new PushedBody();
    const { socket, connection, requests } = connected(() => answerOf(body));
    socket.room = 0;
    socket.receive(GET);
    assert(connection.waiting > 0);
    connection.expire("write");
    assertEquals([socket.ends, body.cancelled.length, requests[0]!.signal.aborted], [["reset"], 1, true]);
  });

  test("for a body that is not wanted ends, then closes", () => {
    const { socket, connection } = connected(() => answerOf());
    socket.receive(POST);
    assertEquals(connection.phase, "unread");
    connection.expire("linger");
    assertEquals([socket.ends, connection.phase], [["end"], "lingering"]);
    connection.expire("linger");
    assertEquals([socket.ends, connection.phase], [["end", "destroy"], "over"]);
  });

  for (const [what, end] of [
    ["drains", "drain"],
    ["keeps waiting for a request", "keep_alive"],
    ["is left by its client", "fin"],
    ["has had its last answer", "last"],
  ] as const) {
    test(`and ${what} gives its client the rest of an answer that is on its way`, async () => {
      const { socket, connection } = connected(() =>
        answerOf("x".repeat(500), end === "last" ? ["Connection: close"] : []),
      );
      socket.room = 10;
      socket.highWater = 1000;
      socket.receive(GET);
      if (end === "drain") connection.drain();
      else if (end === "fin") socket.fin();
      else connection.expire("keep_alive");
      assertEquals([socket.ends, connection.phase], [["end"], "lingering"]);
      connection.expire("linger");
      assertEquals(connection.phase, "lingering");
      socket.take(1000);
      assert(socket.taken.endsWith("x".repeat(500)));
      connection.expire("linger");
      await settled();
      assertEquals([socket.ends.length, connection.phase], [2, "over"]);
    });
  }

  test("for what it is no longer at goes on", () => {
    const { socket, connection } = connected(pending().handler);
    connection.expire("head");
    connection.expire("body");
    connection.expire("linger");
    assertEquals(connection.phase, "idle");
    socket.receive(GET);
    for (const timeout of ["head", "keep_alive", "linger"] as const) connection.expire(timeout);
    assertEquals([socket.ends, connection.phase], [[], "request"]);
  });

  test("is over once, however often it is closed", async () => {
    const { socket, connection, closed } = connected(pending().handler);
    socket.receive(GET);
    connection.close();
    connection.close();
    connection.drain();
    for (const timeout of ["head", "keep_alive", "body", "linger", "write"] as const) connection.expire(timeout);
    socket.receive(GET);
    await settled();
    assertEquals([socket.ends, closed.length], [["destroy"], 1]);
  });
});

test("an idle connection keeps nothing of its last request", async () => {
  const heads: WeakRef<object>[] = [];
  const { context } = recorded(async (request) => {
    heads.push(new WeakRef(request.headers));
    return answerOf("x");
  });
  const idle = Array.from({ length: 200 }, () => {
    const socket = new FakeSocket();
    const connection = new ServerConnection(socket, context);
    socket.receive(POST + "x".repeat(10));
    return connection;
  });
  await settled();
  // What is on the stack is not let go of at once.
  await until(() => {
    Bun.gc(true);
    return heads.filter((head) => head.deref() !== undefined).length < 20;
  }, "the heads to be let go of");
  assertEquals(new Set(idle.map(({ phase }) => phase)), new Set(["idle"]));
});
