import process from "node:process";
import type { Random } from "../../src/base/clock.ts";
import { seededRandom } from "../helpers/random.ts";
import { type ReadRequest, type ReadStream, readStream } from "../http/http1/read-stream.ts";
import { REQUEST_CASES } from "../http/http1/request-cases.ts";

/** What is put into requests: what ends, frames and routes them, whole and in halves. */
const TOKENS = [
  ...'\r\n\t\0 :;,#/*"\\=+-._0123456789abcdefxGET\x0b\x0c\x7f\x80\xa0\xff',
  "\r\n",
  "\r\n\r\n",
  "\n\r",
  "\r\r\n",
  "\r\n ",
  "0\r\n\r\n",
  "Host: b\r\n",
  "Host:",
  "Content-Length: 3\r\n",
  "Content-Length: 0\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding:",
  "Connection: close\r\n",
  "Expect: 100-continue\r\n",
  ", chunked",
  ";a=b",
  ';a="',
  " HTTP/1.1",
  " HTTP/1.0\r\n",
  "GET / HTTP/1.1\r\n",
  "http://b",
  "http://u@b/",
];

/** Long ones are for the limits, and would take the time of all others. */
const SOURCES = REQUEST_CASES.filter(({ bytes }) => bytes.length > 0 && bytes.length < 600);
const ALL = SOURCES.map(({ bytes }) => bytes);
const GOOD = SOURCES.filter(({ reads }) => typeof reads.at(-1) === "object").map(({ bytes }) => bytes);

const below = (random: Random, limit: number): number => Math.floor(random() * limit);
const oneOf = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)]!;

/** A request with a few changes. */
function mutated(random: Random): string {
  let text = oneOf(random, random() < 0.8 ? GOOD : ALL);
  for (let changes = 1 + Math.floor(random() * random() * 4); changes > 0; changes--) {
    const at = below(random, text.length + 1);
    const end = at + below(random, random() < 0.8 ? 3 : 60);
    switch (below(random, 5)) {
      case 0:
        text = text.slice(0, at) + String.fromCharCode(below(random, 256)) + text.slice(at + 1);
        break;
      case 1:
        text = text.slice(0, at) + oneOf(random, TOKENS) + text.slice(random() < 0.5 ? at : end);
        break;
      case 2:
        text = text.slice(0, at) + text.slice(end);
        break;
      case 3:
        text = text.slice(0, end) + text.slice(at);
        break;
      default: {
        const other = oneOf(random, GOOD);
        text = text.slice(0, at) + other.slice(below(random, other.length));
      }
    }
  }
  return text.slice(0, 1500);
}

function cutAnywhere(text: string, random: Random): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = at + 1 + Math.floor(random() * random() * text.length);
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

/** A request's head by the grammar of RFC 9112 alone: sections 2.1, 3 and 5. */
const GRAMMAR =
  /^(?:\r\n){0,4}([!#$%&'*+.^_`|~\w-]+) ([^\0- #\x7f]+) HTTP\/1\.([01])\r\n((?:[!#$%&'*+.^_`|~\w-]+:[\t -~\x80-\xff]*\r\n)*)\r\n/;

/** As another proxy would write it. */
function written({ method, target, authority, minor, lines, body, trailers }: ReadRequest): string {
  const asked = authority === "" ? target : `http://${authority}${target === "*" ? "" : target}`;
  const head = `${method} ${asked} HTTP/1.${minor}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
  if (!lines.some((line) => /^transfer-encoding:/i.test(line))) return head + body;
  const chunk = body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`;
  return `${head}${chunk}0\r\n${trailers.map((line) => `${line}\r\n`).join("")}\r\n`;
}

/** What is wrong with what was read, in words; undefined: nothing. */
function fault(text: string, whole: ReadStream, pieces: readonly string[]): string | undefined {
  const cut = readStream(pieces);
  if (!Bun.deepEquals(cut, whole)) return `is another one in the pieces ${JSON.stringify(pieces)}`;
  const [first] = whole.requests;
  if (first !== undefined) {
    const parts = GRAMMAR.exec(text);
    if (parts === null) return "is read as a request, and is none by the grammar";
    const lines = parts[4]!.split("\r\n").slice(0, -1);
    if (parts[1] !== first.method || lines.length !== first.lines.length) return "has other parts by the grammar";
  }
  for (const request of whole.requests) {
    const again = readStream([written(request)]);
    if (again.end !== undefined || !Bun.deepEquals(again.requests, [request])) {
      return `is another one when it is passed on: ${JSON.stringify(again)}`;
    }
  }
  return undefined;
}

function heapNow(): number {
  Bun.gc(true);
  return process.memoryUsage().heapUsed;
}

export interface RequestFuzzResult {
  readonly cases: number;
  readonly seconds: number;
  /** How many had a request in them, how many were refused, and how many not whole. */
  readonly read: number;
  readonly refused: number;
  readonly unfinished: number;
  /** Bytes of heap the second half of the run added. */
  readonly growth: number;
}

/**
 * Random changes of the requests of the table. Whatever comes, there is one reading of it: the same at every cut, a request only
 * where the grammar has one, and the same once it was passed on. Throws for the first case that is not so, with how to repeat it.
 */
export function fuzzRequests(options: {
  readonly cases: number;
  readonly seed: number;
  /** Only this case. */
  readonly only?: number | undefined;
  readonly onProgress?: (done: number) => void;
}): RequestFuzzResult {
  const { cases, seed, only } = options;
  const counts = { read: 0, refused: 0, unfinished: 0 };
  const began = performance.now();
  let halfway = 0;
  for (let i = only ?? 0; i < (only === undefined ? cases : only + 1); i++) {
    const random = seededRandom(Math.imul(seed, 0x9e3779b1) + i);
    const text = mutated(random);
    const whole = readStream([text]);
    const wrong = fault(text, whole, cutAnywhere(text, random));
    if (wrong !== undefined) throw new Error(`Case ${i} of seed ${seed}: ${JSON.stringify(text)} ${wrong}`);
    if (whole.requests.length > 0) counts.read++;
    if (typeof whole.end === "object") counts.refused++;
    else if (whole.end === "more") counts.unfinished++;
    if (i === cases >> 1) halfway = heapNow();
    if (i % 10_000 === 0) options.onProgress?.(i);
  }
  return { cases, seconds: (performance.now() - began) / 1000, ...counts, growth: heapNow() - halfway };
}
