import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { ServerConnection } from "../../../src/http/http1/server-connection.ts";
import type { ClientRequest } from "../../../src/http/message.ts";
import { collect } from "../../helpers/body.ts";
import { FakeSocket } from "../../helpers/fake-socket.ts";
import { seededRandom } from "../../helpers/random.ts";
import { REQUEST_CASES } from "./request-cases.ts";
import { answerOf, recorded, settled } from "./server-rig.ts";

const random = seededRandom(7);
const index = (below: number): number => Math.floor(random() * below);
const CASES = REQUEST_CASES.map(({ bytes }) => bytes).filter(({ length }) => length < 3000);
const PIECES = ["\r\n", "\n", "\r", "\0", " ", ":", ";", "0", "Content-Length: 3\r\n", "Expect: 100-continue\r\n"];

/** One or two requests, good or bad, that were damaged at a few places. */
function damaged(): string {
  let text = CASES[index(CASES.length)]! + (random() < 0.5 ? CASES[index(CASES.length)]! : "");
  for (let times = index(3); times > 0; times--) {
    const at = index(text.length + 1);
    const put = random() < 0.5 ? PIECES[index(PIECES.length)]! : String.fromCharCode(index(256));
    text = text.slice(0, at) + put + text.slice(at + index(3));
  }
  return text;
}

test("whatever comes, and however the connection ends, nothing fails and nothing stays behind", async () => {
  let underWay = 0;
  const { context, failures, closed } = recorded(async (request: ClientRequest) => {
    if (request.url.length % 4 === 0) return answerOf(request.body);
    if (request.url.length % 4 === 1) return answerOf("early");
    if (request.expectsContinue) request.interim!({ status: 100, statusText: "", headers: new Headers() });
    underWay++;
    try {
      return answerOf((await collect(request.body)).text);
    } catch {
      return answerOf(null, [], 502);
    } finally {
      underWay--;
    }
  });
  for (let run = 1; run <= 4000; run++) {
    const text = damaged();
    const socket = new FakeSocket();
    socket.room = random() < 0.5 ? Number.POSITIVE_INFINITY : 0;
    socket.late = index(2);
    const connection = new ServerConnection(socket, context);
    for (let at = 0; at < text.length; ) {
      const end = random() < 0.3 ? text.length : at + 1 + index(60);
      socket.receive(text.slice(at, end));
      at = end;
      if (random() < 0.3) await settled();
      if (random() < 0.5) socket.take(index(200));
    }
    const ends = [() => socket.fin(), () => socket.cut(), () => connection.close(), () => connection.drain(), () => {}];
    ends[index(ends.length)]!();
    await settled();
    socket.take(index(2) * 100_000);
    for (const timeout of ["head", "keep_alive", "body", "linger", "linger", "write"] as const) {
      connection.expire(timeout);
      if (random() < 0.3) await settled();
    }
    await settled();
    assertEquals([connection.phase, connection.heldBytes, underWay, closed.length], ["over", 0, 0, run], text);
    assertEquals(failures, [], text);
  }
});
