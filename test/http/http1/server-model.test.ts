import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { BodySource } from "../../../src/http/body.ts";
import { PushedBody } from "../../helpers/body.ts";
import { seededRandom } from "../../helpers/random.ts";
import { answerOf, connected, DATE, settled } from "./server-rig.ts";

/** One request of a client, and how its handler answers. */
interface Exchange {
  readonly method: "GET" | "HEAD" | "POST";
  /** Of the request: in chunks, or with a length. */
  readonly body: readonly string[];
  readonly chunked: boolean;
  readonly answer: "text" | "length" | "chunks" | "none";
  readonly pieces: readonly string[];
  /** The handler answers before it has read the body. */
  readonly early: boolean;
  readonly sync: boolean;
}

const piece = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme-ascii" });
const exchange: fc.Arbitrary<Exchange> = fc.record({
  method: fc.constantFrom("GET", "HEAD", "POST"),
  body: fc.array(piece, { maxLength: 4 }),
  chunked: fc.boolean(),
  answer: fc.constantFrom("text", "length", "chunks", "none"),
  pieces: fc.array(piece, { maxLength: 30 }),
  early: fc.boolean(),
  sync: fc.boolean(),
});

const hex = (text: string): string => text.length.toString(16);
const chunksOf = (pieces: readonly string[]): string =>
  `${pieces.map((text) => `${hex(text)}\r\n${text}\r\n`).join("")}0\r\n\r\n`;

function requestText({ method, body, chunked }: Exchange, index: number): string {
  const start = `${method} /${index} HTTP/1.1\r\nHost: a\r\n`;
  if (method !== "POST") return `${start}\r\n`;
  if (chunked) return `${start}Transfer-Encoding: chunked\r\n\r\n${chunksOf(body)}`;
  return `${start}Content-Length: ${body.join("").length}\r\n\r\n${body.join("")}`;
}

/** What the client is to read, without dates. */
function answerText({ method, answer, pieces }: Exchange, index: number, echoed: string): string {
  const start = `HTTP/1.1 200 OK\r\nX-Index: ${index}\r\n`;
  const isHead = method === "HEAD";
  const content = answer === "text" ? echoed : pieces.join("");
  if (answer === "none") return `${start}Content-Length: 0\r\n\r\n`.replace(isHead ? "Content-Length: 0\r\n" : "", "");
  if (answer === "chunks")
    return isHead ? `${start}\r\n` : `${start}Transfer-Encoding: chunked\r\n\r\n${chunksOf(pieces)}`;
  return `${start}Content-Length: ${content.length}\r\n\r\n${isHead ? "" : content}`;
}

/** A sink that pauses its source where chance says so, and goes on a moment later. */
function collectSlowly(body: BodySource, random: () => number): Promise<string> {
  let text = "";
  let paused = false;
  return new Promise((resolve, reject) =>
    body.pipe({
      data(bytes) {
        if (paused) reject(new Error("A piece from a source that is paused"));
        text += Buffer.from(bytes).toString("latin1");
        if (random() < 0.5) return;
        paused = true;
        body.pause();
        setImmediate(() => {
          paused = false;
          body.resume();
        });
      },
      end: () => resolve(text),
      fail: reject,
    }),
  );
}

/** The pieces, each at its own time, where the source is not paused. */
function slowBody(pieces: readonly string[], random: () => number, waiting: () => number): PushedBody {
  const body = new PushedBody();
  const left = [...pieces];
  let over = false;
  const step = (): void => {
    if (body.paused || over) return;
    assertEquals(waiting(), 0, "A piece is taken though one before it waits");
    const next = left.shift();
    if (next !== undefined) body.push(next);
    else {
      over = true;
      body.sink!.end(undefined);
    }
    if (!over && random() < 0.9) step();
    else if (!over) setImmediate(step);
  };
  body.onFlow = () => (random() < 0.5 ? step() : setImmediate(step));
  return body;
}

test("any requests, cut and read in any way, are answered in order, each with its own answer", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(exchange, { minLength: 1, maxLength: 8 }), fc.nat(), async (exchanges, seed) => {
      const random = seededRandom(seed);
      let underWay = 0;
      const { socket, connection, refusals, failures } = connected((request) => {
        const index = Number(request.url.slice(1));
        const { answer, pieces, early, sync } = exchanges[index]!;
        assertEquals(++underWay, 1);
        const body = request.body as BodySource | null;
        const fields = [`X-Index: ${index}`];
        const answerNow = (read: string) => {
          underWay--;
          const content = answer === "text" ? `${index}:${read}` : pieces.join("");
          if (answer === "none") return answerOf(null, fields);
          if (answer === "text") return answerOf(content, fields);
          if (answer === "length") fields.push(`Content-Length: ${content.length}`);
          return answerOf(
            slowBody(pieces, random, () => socket.waiting),
            fields,
          );
        };
        if (early && random() < 0.5) body?.cancel();
        if (early && sync) return answerNow("early");
        const read = early
          ? Promise.resolve("early")
          : body === null
            ? Promise.resolve("")
            : collectSlowly(body, random);
        return read.then(answerNow);
      });
      const sent = exchanges.map(requestText).join("");
      const wanted = exchanges.map((one, index) => {
        const body = one.early ? "early" : one.method === "POST" ? one.body.join("") : "";
        return answerText(one, index, `${index}:${body}`);
      });
      // An answer that is early may end the connection, where what is missing of the body is not known.
      const all = wanted.join("");
      socket.room = 0;
      socket.late = seed % 2;
      for (let at = 0; at < sent.length; ) {
        const end = at + 1 + Math.floor(random() * 60);
        socket.receive(sent.slice(at, end));
        at = end;
        if (random() < 0.4) socket.take(Math.floor(random() * 100));
        if (random() < 0.4) await settled();
        assert(connection.waiting < 450);
      }
      for (let turn = 0; turn < 2000 && (connection.phase === "request" || connection.phase === "unread"); turn++) {
        socket.take(Math.floor(random() * 50) + 1);
        await settled();
        assert(connection.waiting < 450);
      }
      socket.take(1_000_000);
      await settled();
      const taken = socket.taken.replaceAll(DATE, "");
      assertEquals([refusals, failures], [[], []]);
      if (!taken.includes("Connection: close\r\n") && connection.phase === "idle") assertEquals(taken, all);
      else {
        assertEquals(connection.phase, "lingering");
        const read = taken.replace("Connection: close\r\n", "");
        assert(all.startsWith(read) && wanted.some((_, last) => wanted.slice(0, last + 1).join("") === read));
        // Only one that was answered too early ends it.
        const last = exchanges[wanted.findIndex((_, at) => wanted.slice(0, at + 1).join("") === read)]!;
        assert(last.early && last.method === "POST" && last.chunked);
      }
      assertEquals(
        socket.ends.filter((end) => end !== "end"),
        [],
      );
    }),
    { numRuns: 300 },
  );
}, 60_000);
