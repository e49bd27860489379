import type { Random } from "../../src/base/clock.ts";
import { Fields } from "../../src/http/header-fields.ts";
import { H2_ERROR, Http2ConnectionError } from "../../src/http/http2/errors.ts";
import type { FieldLine } from "../../src/http/http2/field-line.ts";
import { FLAG, FRAME } from "../../src/http/http2/frames.ts";
import { HpackDecoder } from "../../src/http/http2/hpack-decoder.ts";
import { Http2ServerConnection } from "../../src/http/http2/server-connection.ts";
import type { HttpAnswer } from "../../src/http/message.ts";
import { FakeSocket } from "../helpers/fake-socket.ts";
import { hpackBlock, hpackInteger, hpackText } from "../helpers/hpack.ts";
import {
  data,
  frame,
  get,
  HELLO,
  headers,
  ping,
  post,
  requestLines,
  rstStream,
  SETTINGS_ACK,
  SeenFrames,
  settings,
  uint32,
  windowUpdate,
} from "../helpers/http2-frames.ts";
import { seededRandom } from "../helpers/random.ts";
import { chunksOf } from "./mutate.ts";

const index = (random: Random, length: number): number => Math.floor(random() * length);

const STREAMS = [0, 1, 3, 5, 7, 9, 2, 0x7fff_ffff];
const SIZES = [0, 1, 2, 62, 127, 128, 4096, 4097, 0x7fff_ffff];

/** A whole session's worth of frames, some of which are no good. */
const FRAMES: readonly ((random: Random, stream: number) => number[])[] = [
  (_, stream) => get(stream),
  (_, stream) => post(stream),
  (random, stream) => post(stream, [["content-length", String(index(random, 4))]]),
  (random, stream) => data(stream, new Uint8Array(index(random, 5)), random() < 0.5),
  (random, stream) => data(stream, new Uint8Array(index(random, 16_385))),
  (random, stream) => frame(FRAME.data, FLAG.padded | index(random, 2), stream, [index(random, 6), 1, 2, 3, 4]),
  (_, stream) => headers(stream, [["x-sum", "1"]]),
  (_, stream) => headers(stream, [...requestLines([], "CONNECT"), [":protocol", "websocket"]], false),
  (_, stream) => frame(FRAME.headers, FLAG.endStream, stream, hpackBlock(requestLines()).slice(0, 9)),
  (random, stream) => frame(FRAME.continuation, index(random, 8), stream, hpackBlock(requestLines()).slice(9)),
  (random, stream) =>
    frame(FRAME.headers, 5, stream, [
      0x40,
      ...hpackText("x-a"),
      ...hpackText("v", true),
      0x82,
      0x84 + index(random, 60),
    ]),
  (random, stream) => frame(FRAME.headers, 5, stream, hpackInteger(0x20, 5, SIZES[index(random, SIZES.length)]!)),
  (random, stream) => windowUpdate(stream, SIZES[index(random, SIZES.length)]!),
  (_, stream) => rstStream(stream),
  () => ping(),
  () => SETTINGS_ACK,
  (random) => settings([1 + index(random, 9), SIZES[index(random, SIZES.length)]!]),
  (_, stream) => frame(FRAME.priority, 0, stream, [...uint32(1), 9]),
  (random) => frame(FRAME.goaway, 0, 0, new Uint8Array(6 + index(random, 4))),
  (random, stream) => frame(index(random, 12), index(random, 256), stream, new Uint8Array(index(random, 20))),
];

/** What a client that means ill, or is broken, sends. */
function hostile(random: Random): Uint8Array {
  const bytes = [...HELLO];
  let next = 1;
  if (random() < 0.6) {
    bytes.push(...(random() < 0.5 ? get(1) : post(1)));
    if (random() < 0.5) next = 3;
  }
  for (let count = 1 + index(random, 12); count > 0; count--) {
    // Mostly what could be right, so that it gets far.
    const stream = random() < 0.6 ? next : STREAMS[index(random, STREAMS.length)]!;
    if (random() < 0.5) next += 2;
    bytes.push(...FRAMES[index(random, FRAMES.length)]!(random, stream));
  }
  const out = Uint8Array.from(bytes);
  for (let count = index(random, 3); count > 0; count--) {
    const at = random() < 0.1 ? index(random, out.length) : HELLO.length + index(random, out.length - HELLO.length);
    out[at] = random() < 0.5 ? out[at]! ^ (1 << index(random, 8)) : index(random, 256);
  }
  return random() < 0.1 ? out.slice(0, index(random, out.length)) : out;
}

/** All that came of a connection that was sent these pieces. */
interface Outcome {
  readonly requests: string;
  readonly sent: string;
  readonly broken: string;
  readonly ends: string;
}

const clock = { now: () => 0, after: () => () => {}, sleep: async () => {} };
const LIMITS = {
  header_bytes: 1000,
  headers: 20,
  url_bytes: 100,
  streams: 3,
  body_rate: 0,
  body_window: 0,
  write_stall: 0,
};

function play(pieces: readonly Uint8Array[]): Outcome {
  const requests: string[] = [];
  const broken: string[] = [];
  const answer = (status: number, body: HttpAnswer["body"]): HttpAnswer => ({
    status,
    statusText: "",
    headers: new Fields(),
    body,
  });
  const socket = new FakeSocket();
  const options = {
    handler(request: Parameters<ConstructorParameters<typeof Http2ServerConnection>[1]["handler"]>[0]) {
      const seen = requests.push(`${request.method} ${request.url} ${request.authority}`) - 1;
      request.signal.addEventListener("abort", () => {
        requests[seen] += " aborted";
      });
      if (request.body === null || "getReader" in request.body) return answer(200, "x".repeat(20_000));
      return new Promise<HttpAnswer>(() => {
        (request.body as { pipe(sink: unknown): void }).pipe({
          data(bytes: Uint8Array) {
            if (bytes.length === 0) throw new Error("an empty piece");
            requests[seen] += ` ${bytes.length}`;
          },
          end: () => {
            requests[seen] += " whole";
          },
          fail: () => {
            requests[seen] += " failed";
          },
        });
      });
    },
    limits: LIMITS,
    clock,
    random: () => 0,
    // As if each turn ended with its bytes: where they are cut then makes no difference.
    defer: () => {},
    refuse: ({ problem }: { problem: string }) => answer(400, problem),
    failed(error: unknown): HttpAnswer {
      throw error;
    },
    closed() {},
    broken: (_: unknown, code: number) => void broken.push(String(code)),
  };
  const connection = new Http2ServerConnection(socket, options);
  connection.flush();
  socket.paused = false;
  for (const piece of pieces) socket.receive(piece);
  if (connection.heldBytes > 400_000) throw new Error(`holds ${connection.heldBytes} bytes`);
  const found = {
    requests: requests.join("\n"),
    sent: sentBy(socket),
    broken: broken.join(),
    ends: socket.ends.join(),
  };
  connection.close();
  if (connection.streams.size > 0) throw new Error("streams are left");
  return found;
}

/** What the server sent, stream by stream: their order among each other, and windows, are the connection's affair. */
function sentBy(socket: FakeSocket): string {
  const seen = new SeenFrames();
  seen.push(Buffer.from(socket.taken, "latin1"));
  const ofStream = new Map<number, string>();
  for (const { type, stream, fields, payload, flags } of seen.all) {
    if (type === FRAME.windowUpdate || stream === 0) continue;
    const what =
      type === FRAME.data ? `${payload.length} ${flags}` : (fields?.join() ?? Buffer.from(payload).toString("hex"));
    ofStream.set(stream, `${ofStream.get(stream) ?? ""}${type}:${what};`);
  }
  return [...ofStream].map(([stream, what]) => `${stream} ${what}`).join("\n");
}

/** Any bytes as a header block: it is decoded, or refused by name. */
function decodeAnything(random: Random): void {
  const decoder = new HpackDecoder(4096);
  for (let blocks = 0; blocks < 3; blocks++) {
    const block = Uint8Array.from({ length: index(random, 60) }, () =>
      random() < 0.4
        ? [0x40, 0x82, 0x80, 0xbe, 0x3f, 0x20, 0x7f, 0xff, 0x01, 0x10][index(random, 10)]!
        : index(random, 256),
    );
    const lines: FieldLine[] = [];
    try {
      decoder.decode(block, 0, block.length, lines, { bytes: 1000, lines: 20 });
    } catch (error) {
      if (error instanceof Http2ConnectionError && error.code === H2_ERROR.compression) return;
      throw error;
    }
    if (decoder.held > 4096 || decoder.held < 0 || lines.length > 20) throw new Error("a table beyond its size");
    for (const { name, value } of lines) if (/[^\0-\xff]/.test(name + value)) throw new Error("no bytes");
  }
}

export interface Http2FuzzOptions {
  readonly cases: number;
  readonly seed: number;
  /** Only this case. */
  readonly only?: number | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
}

export interface Http2FuzzResult {
  readonly cases: number;
  readonly seconds: number;
  /** How many connections were broken off. */
  readonly broken: number;
  /** How many requests got to the handler. */
  readonly requests: number;
  /** Bytes of heap that the second half of the run added. */
  readonly growth: number;
}

function heapNow(): number {
  Bun.gc(true);
  return process.memoryUsage().heapUsed;
}

/**
 * Hostile sessions, each whole and cut by chance: both must come to the same, nothing may be thrown or left behind. Rejects
 * with the first that does not, and how to repeat it.
 */
export async function fuzzHttp2(options: Http2FuzzOptions): Promise<Http2FuzzResult> {
  const { cases, seed, only, onProgress } = options;
  let broken = 0;
  let requests = 0;
  let halfway = 0;
  const began = performance.now();
  for (let i = only ?? 0; i < (only === undefined ? cases : only + 1); i++) {
    const random = seededRandom(Math.imul(seed, 0x9e3779b1) + i);
    try {
      decodeAnything(random);
      const bytes = hostile(random);
      const whole = play([bytes]);
      const cut = play(chunksOf(bytes, random));
      for (const key of ["requests", "broken", "sent"] as const) {
        if (whole[key] !== cut[key]) throw new Error(`${key} whole:\n${whole[key]}\ncut:\n${cut[key]}`);
      }
      if (whole.broken !== "") broken++;
      if (whole.requests !== "") requests++;
    } catch (cause) {
      throw new Error(
        `HTTP/2 case ${i} of seed ${seed}: ${(cause as Error).message}\nreplay: bun run test:fuzz --seed ${seed} --session ${i}`,
        { cause },
      );
    }
    // Sockets in memory close a moment later.
    if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (i === Math.floor(cases / 2)) halfway = heapNow();
    if (i % 1000 === 999) onProgress?.(i + 1);
  }
  const seconds = (performance.now() - began) / 1000;
  return { cases, seconds, broken, requests, growth: Math.max(0, heapNow() - halfway) };
}
