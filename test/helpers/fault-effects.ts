import type { Clock } from "../../src/base/clock.ts";
import { lostConnection, orAbort } from "../../src/demo/pipe.ts";
import { failure } from "../../src/demo/status.ts";
import type { Json } from "../../src/demo/types.ts";
import { errorLine, GONE_EVENT } from "../../src/demo/watch.ts";
import type { FaultEffect } from "./apiserver-faults.ts";

/** What becomes of an answer. It need not make the answer at all. */
export type Effect = (answer: () => Promise<Response>, signal: AbortSignal) => Promise<Response>;

const encoder = new TextEncoder();

/** Text that is no JSON, no UTF-8, and no end of a line. */
const GARBAGE = new Uint8Array([0x7b, 0xff, 0xfe, 0x00, 0x22, 0x3c, 0x80, 0x7d, 0x7d, 0x5d]);

/** Sent in pieces of this size, so that the sender never holds a huge line. */
const HUGE_PIECE = 64 * 1024;

const JSON_HEADERS = { "content-type": "application/json" };

const never = (signal: AbortSignal): Promise<never> => orAbort(new Promise<never>(() => {}), signal);

function withBody(answer: Response, body: BodyInit): Response {
  const headers = new Headers(answer.headers);
  headers.delete("content-length");
  return new Response(body, { status: answer.status, headers });
}

/** Rewrites a body: the generator takes the chunks of the old one and yields those of the new one. */
function rewriteBody(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  rewrite: (source: () => Promise<Uint8Array | undefined>, signal: AbortSignal) => AsyncGenerator<Uint8Array>,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const cancelled = new AbortController();
  const gone = AbortSignal.any([signal, cancelled.signal]);
  const chunks = rewrite(async () => (await orAbort(reader.read(), gone)).value, gone);
  const release = (): void => void reader.cancel().catch(() => {});
  return new ReadableStream<Uint8Array>(
    {
      async pull(out) {
        try {
          const { done, value } = await chunks.next();
          if (!done) return out.enqueue(value);
          out.close();
        } catch (error) {
          out.error(error);
        }
        release();
      },
      cancel() {
        cancelled.abort(new DOMException("The body was cancelled", "AbortError"));
        release();
      },
    },
    { highWaterMark: 0 },
  );
}

type Rewrite = Parameters<typeof rewriteBody>[2];

const rewriting =
  (rewrite: Rewrite): Effect =>
  async (answer, signal) => {
    const whole = await answer();
    return withBody(whole, rewriteBody(whole.body ?? new Response("").body!, signal, rewrite));
  };

/** Lets `count` bytes through, then sends what `then` makes of the rest of the chunk (or what it rejects with). */
const afterBytes = (
  count: number,
  then: (rest: Uint8Array, signal: AbortSignal) => Promise<readonly Uint8Array[]>,
): Effect =>
  rewriting(async function* (next, signal) {
    let left = count;
    while (left > 0) {
      const chunk = await next();
      if (!chunk) return;
      yield chunk.subarray(0, left);
      if (chunk.length >= left) {
        yield* await then(chunk.subarray(left), signal);
        break;
      }
      left -= chunk.length;
    }
    if (count === 0) yield* await then(new Uint8Array(), signal);
    for (let chunk = await next(); chunk; chunk = await next()) yield chunk;
  });

const cutAfterChunks = (count: number, clean: boolean): Effect =>
  rewriting(async function* (next) {
    for (let passed = 0; passed < count; passed++) {
      const chunk = await next();
      if (!chunk) return;
      yield chunk;
    }
    if (!clean) throw lostConnection();
  });

const cutAfterLines = (count: number, midLine: boolean, clean: boolean): Effect =>
  rewriting(async function* (next) {
    let lines = 0;
    for (let chunk = await next(); chunk; chunk = await next()) {
      let from = 0;
      while (lines < count) {
        const end = chunk.indexOf(10, from);
        if (end < 0) break;
        lines++;
        from = end + 1;
      }
      if (lines < count) {
        yield chunk;
        continue;
      }
      if (from > 0) yield chunk.subarray(0, from);
      let rest: Uint8Array | undefined = chunk.subarray(from);
      if (midLine) {
        if (rest.length === 0) rest = await next();
        if (rest) yield rest.subarray(0, Math.ceil(rest.length / 2));
      }
      if (!clean) throw lostConnection();
      return;
    }
  });

const cutAfterBytes = (count: number, clean: boolean): Effect =>
  clean
    ? rewriting(async function* (next) {
        for (let left = count; left > 0; ) {
          const chunk = await next();
          if (!chunk) return;
          yield chunk.subarray(0, left);
          left -= chunk.length;
        }
      })
    : afterBytes(count, () => Promise.reject(lostConnection()));

const rechunk = (bytes: number): Effect =>
  rewriting(async function* (next) {
    for (let chunk = await next(); chunk; chunk = await next()) {
      for (let at = 0; at < chunk.length; at += bytes) yield chunk.subarray(at, at + bytes);
    }
  });

const truncate =
  (bytes: number | undefined): Effect =>
  async (answer) => {
    const whole = await answer();
    const body = new Uint8Array(await whole.arrayBuffer());
    return withBody(whole, body.slice(0, bytes ?? Math.floor(body.length / 2)));
  };

const hugeLine =
  (bytes: number): Effect =>
  async () => {
    let left = bytes;
    const start = encoder.encode('{"type":"ADDED","object":{"metadata":{"name":"');
    const body = new ReadableStream<Uint8Array>(
      {
        pull(out) {
          const piece = new Uint8Array(Math.min(left, HUGE_PIECE)).fill(0x78);
          if (left === bytes) piece.set(start.subarray(0, piece.length));
          left -= piece.length;
          if (piece.length > 0) out.enqueue(piece);
          if (left === 0) out.close();
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body, { headers: JSON_HEADERS });
  };

const wrongKind =
  (as: string): Effect =>
  async (answer) => {
    const whole = await answer();
    return withBody(whole, JSON.stringify({ ...((await whole.json()) as Json), kind: as }));
  };

const page =
  (code: number): Effect =>
  async () =>
    new Response("<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>", {
      status: code,
      headers: { "content-type": "text/html; charset=utf-8" },
    });

const status =
  (effect: FaultEffect & { kind: "status" }): Effect =>
  async () => {
    const { code, headers, reason = "InternalError", message = `fault injected: ${code}` } = effect;
    const body = effect.body ?? JSON.stringify(failure(code, reason, message));
    return new Response(body, { status: code, headers: { ...JSON_HEADERS, ...headers } });
  };

/** Makes an effect of its description. */
export function effectOf(effect: FaultEffect, clock: Clock): Effect {
  switch (effect.kind) {
    case "drop":
      return () => Promise.reject(lostConnection());
    case "stall":
      if (effect.after === undefined) return (_answer, signal) => never(signal);
      return afterBytes(effect.after, (_rest, signal) => never(signal));
    case "delay":
      return async (answer, signal) => {
        await clock.sleep(effect.ms, signal);
        return answer();
      };
    case "cut":
      if ("chunks" in effect) return cutAfterChunks(effect.chunks, effect.clean ?? false);
      if ("lines" in effect) return cutAfterLines(effect.lines, effect.midLine ?? false, effect.clean ?? false);
      return cutAfterBytes(effect.after ?? 0, effect.clean ?? false);
    case "garbage": {
      const bytes = typeof effect.bytes === "string" ? encoder.encode(effect.bytes) : (effect.bytes ?? GARBAGE);
      return afterBytes(effect.after ?? 0, async (rest) => (rest.length > 0 ? [bytes, rest] : [bytes]));
    }
    case "status":
      return status(effect);
    case "errorEvent":
      return async () => new Response(errorLine(effect.status ?? GONE_EVENT), { headers: JSON_HEADERS });
    case "html":
      return page(effect.code ?? 200);
    case "wrongKind":
      return wrongKind(effect.as ?? "PodList");
    case "truncate":
      return truncate(effect.bytes);
    case "rechunk":
      return rechunk(effect.bytes);
    case "hugeLine":
      return hugeLine(effect.bytes);
  }
}
