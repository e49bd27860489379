import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { BodySource } from "../../../src/http/body.ts";
import { responseOf } from "../../../src/http/fetch/message.ts";
import type { HttpAnswer } from "../../../src/http/message.ts";
import { UpstreamError } from "../../../src/http/upstream-error.ts";
import type { SocketEvents } from "../../../src/platform/sockets.ts";
import { collect } from "../../helpers/body.ts";
import { seededRandom } from "../../helpers/random.ts";
import { asked } from "./asked.ts";

/** Takes a body to its end, stopping and going on where chance says. Rejects with what broke it off. */
async function takeFitfully(body: HttpAnswer["body"], random: () => number): Promise<string> {
  if (body === null || body instanceof Uint8Array) return (await collect(body)).text;
  const source = body as BodySource;
  let text = "";
  let paused = false;
  const goOn = (): void => {
    paused = false;
    source.resume();
  };
  await new Promise<void>((resolve, reject) =>
    source.pipe({
      data(piece) {
        assert(!paused, "a piece while it was paused");
        text += Buffer.from(piece).toString("latin1");
        if (random() < 0.5) return;
        paused = true;
        source.pause();
        if (random() < 0.2) goOn();
        else if (random() < 0.5) queueMicrotask(goOn);
        else setTimeout(goOn);
      },
      end() {
        assert(!paused, "the end while it was paused");
        resolve();
      },
      fail: reject,
    }),
  );
  return text;
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

const ANSWERS: readonly (readonly [answer: string, body: string])[] = [
  [
    "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz",
    "abcdefghijklmnopqrstuvwxyz",
  ],
  [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\nA: b\r\n\r\n",
    "hello world",
  ],
  ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""],
  ["HTTP/1.1 404 Not Found\nContent-Length: 2\n\nno", "no"],
];

/** Hands over `data` in pieces, cut where chance says; after each, what waits may run. */
async function feed(events: SocketEvents, data: Uint8Array, random: () => number): Promise<void> {
  for (let at = 0; at < data.length; ) {
    const end = at + 1 + Math.floor(random() * random() * data.length);
    events.data(data.slice(at, end));
    at = end;
    if (random() < 0.5) await Promise.resolve();
  }
}

describe("an answer's bytes", () => {
  test("are the same answer wherever the network cuts them", async () => {
    for (let seed = 0; seed < 400; seed++) {
      const random = seededRandom(seed + 1);
      const [text, body] = ANSWERS[seed % ANSWERS.length]!;
      const { events, answer, counts } = asked();
      const reading = answer.then(({ body }) => takeFitfully(body, random));
      await feed(events, bytes(text), random);
      assertEquals([await reading, counts()], [body, { free: 1, gone: 0 }], `seed ${seed}`);
    }
  });

  test("that are damaged are an answer or an error, never a hang, and never a connection that is used again with bytes left over", async () => {
    const told = { answers: 0, errors: 0 };
    for (let seed = 0; seed < 2000; seed++) {
      const random = seededRandom(seed + 1);
      const data = bytes(ANSWERS[seed % ANSWERS.length]![0]);
      for (let changes = 1 + Math.floor(random() * 3); changes > 0; changes--) {
        data[Math.floor(random() * data.length)] =
          random() < 0.5 ? Math.floor(random() * 256) : 48 + Math.floor(random() * 10);
      }
      const { events, answer, counts } = asked();
      const outcome = answer
        .then(({ body }) => takeFitfully(body, random))
        .then(
          () => "answers" as const,
          (error: unknown) => {
            assert(error instanceof UpstreamError, `seed ${seed}: ${error}`);
            return "errors" as const;
          },
        );
      await feed(events, data, random);
      events.ended();
      events.closed(undefined);
      told[await outcome]++;
      assertEquals(counts().gone, 1, `seed ${seed}`);
    }
    assert(told.answers > 200 && told.errors > 200, JSON.stringify(told));
  });
});

test("an answer gets no content type that its pod did not send, whatever its length", async () => {
  for (const body of ["", "a", "ab", "abc"]) {
    for (const type of [undefined, "a/b"]) {
      const { events, answer } = asked();
      const line = type === undefined ? "" : `content-type: ${type}\r\n`;
      events.data(bytes(`HTTP/1.1 200 OK\r\n${line}content-length: ${body.length}\r\n\r\n${body}`));
      const response = responseOf(await answer);
      assertEquals([response.headers.get("content-type") ?? undefined, await response.text()], [type, body]);
    }
  }
});
