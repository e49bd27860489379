import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { Body, BodySource } from "../../../src/http/body.ts";
import { createHttp1Client } from "../../../src/http/http1/client.ts";
import type { HttpAnswer } from "../../../src/http/message.ts";
import { UpstreamError } from "../../../src/http/upstream-error.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { until } from "../../helpers/wait.ts";
import { ANSWER_CASES, type AnswerCase } from "./answer-cases.ts";
import { asked } from "./asked.ts";
import { DIALS, pod, sender, stopsPods } from "./client-pods.ts";
import { bytesOf } from "./read-stream.ts";

stopsPods();

/** What stands behind each answer, and must never be the answer to anything. */
const POISON = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

/** What a caller has of an answer. */
interface Outcome {
  status?: number;
  body: string;
  error?: string;
}

/** Takes a body as it comes, into an outcome; the promise is for its end, whichever that is. */
function take(body: Body, into: Outcome): Promise<void> {
  if (body === null) return Promise.resolve();
  if (body instanceof Uint8Array) {
    into.body = Buffer.from(body).toString("latin1");
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    (body as BodySource).pipe({
      data: (piece) => {
        into.body += Buffer.from(piece).toString("latin1");
      },
      end: () => resolve(),
      fail: (error) => {
        into.error = wordsOf(error);
        resolve();
      },
    });
  });
}

function wordsOf(error: unknown): string {
  assert(error instanceof UpstreamError, `${error}`);
  assertEquals(error.failure, "invalid");
  return error.message;
}

async function outcomeOf(answer: Promise<HttpAnswer>): Promise<Outcome> {
  const outcome: Outcome = { body: "" };
  try {
    const { status, body } = await answer;
    outcome.status = status;
    await take(body, outcome);
  } catch (error) {
    outcome.error = wordsOf(error);
  }
  return outcome;
}

/** An outcome is the one that its case names. */
function assertReads({ reads, toTheEnd, what }: AnswerCase, outcome: Outcome): void {
  if (typeof reads === "string") {
    assert(outcome.status === undefined && outcome.error?.includes(reads), `${what}: ${JSON.stringify(outcome)}`);
    return;
  }
  const [status, body, broken] = reads;
  if (broken === undefined) {
    assertEquals(outcome, { status, body: toTheEnd ? body + POISON : body }, what);
    return;
  }
  assert(outcome.error?.includes(broken), `${what}: ${JSON.stringify(outcome)}`);
  assert(body.startsWith(outcome.body), `${what}: ${JSON.stringify(outcome)}`);
  if (outcome.status !== undefined) assertEquals(outcome.status, status, what);
}

/** A connection in memory that has asked, and gets these pieces. */
async function readPieces(method: string, pieces: readonly string[]): Promise<{ outcome: Outcome; free: number }> {
  const { events, answer, counts } = asked(method);
  const outcome = outcomeOf(answer);
  for (const piece of pieces) {
    if (piece.length > 0) events.data(bytesOf(piece));
    // Whoever waits for the answer has it, and takes its body, before the next piece comes.
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  }
  events.ended();
  events.closed(undefined);
  return { outcome: await outcome, free: counts().free };
}

/** Where to cut: everywhere in a short one, else near its ends. */
function cuts({ length }: string): number[] {
  const all = Array.from({ length: length + 1 }, (_, at) => at);
  return length <= 300 ? all : all.filter((at) => at < 30 || at > length - 30 || at % 4999 === 0);
}

describe("an answer", () => {
  test.each(ANSWER_CASES.map((one) => [one.section, one.what, one] as const))(
    "by RFC section %s: %s, the same at every cut",
    async (_, __, one) => {
      const { bytes, method = "GET" } = one;
      const whole = await readPieces(method, [bytes + POISON]);
      assertReads(one, whole.outcome);
      assertEquals(whole.free, 0, "what stands behind it makes its connection useless");
      for (const at of cuts(bytes)) {
        const { outcome } = await readPieces(method, [bytes.slice(0, at), bytes.slice(at) + POISON]);
        assertReads(one, outcome);
      }
      // A connection that got the answer alone is used again only where that has an end.
      const alone = await readPieces(method, [bytes]);
      if (typeof one.reads === "string" || one.toTheEnd || one.reads[2] !== undefined) assertEquals(alone.free, 0);
    },
  );

  test("has a case for each of many faults, each of its own", () => {
    const bad = ANSWER_CASES.filter(({ reads }) => typeof reads === "string" || reads[2] !== undefined);
    assert(ANSWER_CASES.length >= 120 && bad.length >= 100, `${bad.length} of ${ANSWER_CASES.length}`);
    assertEquals(new Set(ANSWER_CASES.map(({ bytes, method }) => `${method} ${bytes}`)).size, ANSWER_CASES.length);
  });
});

describe.each([...DIALS])("over %s", (_name, dial) => {
  test("nothing behind a hostile answer is the answer to the next request", async () => {
    for (const one of ANSWER_CASES) {
      // Time stands still: no connection closes because it has been idle.
      const send = sender(createHttp1Client({ dial, clock: createFakeClock(), random: Math.random }));
      let asked = 0;
      const { port, stop, open } = await pod((socket) => {
        if (++asked > 1) return void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
        socket.write(one.bytes + POISON, "latin1");
        // The end of its connection is the end of this body.
        if (one.toTheEnd) socket.end();
      });
      assertReads(one, await outcomeOf(send(port, { method: one.method ?? "GET" })));
      for (let next = 0; next < 2; next++) {
        assertEquals(await outcomeOf(send(port)), { status: 200, body: "good" }, one.what);
      }
      await until(() => open() === 1, `${one.what}: the first connection is closed`);
      stop();
    }
  });
});
