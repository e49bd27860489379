import type { Fields } from "../../../src/http/header-fields.ts";
import { type ChunkRules, Chunks } from "../../../src/http/http1/chunks.ts";
import { type HeadLimits, RequestReader } from "../../../src/http/http1/read-request.ts";
import { problemStatus } from "../../../src/http/problem.ts";

/** The limits that are the defaults of `server.limits`. */
export const LIMITS: HeadLimits = { header_bytes: 32_768, headers: 100, url_bytes: 8192 };

class BadChunks extends Error {}
const RULES: ChunkRules = {
  trailers: 100,
  padding: false,
  invalid: (what) => new BadChunks(`The chunked body ${what}`),
};

/** A request as a server has it. */
export interface ReadRequest {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly host: string | undefined;
  readonly minor: 0 | 1;
  readonly lines: readonly string[];
  body: string;
  trailers: readonly string[];
  readonly persistent: boolean;
  readonly expects: boolean;
  readonly upgrade: string;
}

/** All requests of a connection; `end`: "more", a refusal's status and words, or undefined: nothing is left over. */
export interface ReadStream {
  readonly requests: readonly ReadRequest[];
  readonly end: "more" | { readonly status: number; readonly detail: string } | undefined;
}

export const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const textOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

export function linesOf(fields: Fields | undefined): string[] {
  const lines: string[] = [];
  fields?.forEachLine((name, value) => lines.push(`${name}:${value}`));
  return lines;
}

/** Reads what comes over a connection in these pieces, bodies included, as the server does. */
export function readStream(pieces: readonly string[], limits: HeadLimits = LIMITS): ReadStream {
  const reader = new RequestReader(limits);
  const requests: ReadRequest[] = [];
  let request: ReadRequest | undefined;
  let chunks: Chunks | undefined;
  let left = 0;
  for (const piece of pieces) {
    let rest = bytesOf(piece);
    while (rest.length > 0) {
      if (request !== undefined && chunks !== undefined) {
        const before = rest;
        let taken: number;
        try {
          taken = chunks.take(before);
        } catch (error) {
          if (!(error instanceof BadChunks)) throw error;
          return { requests, end: { status: 400, detail: error.message } };
        }
        if (chunks.body !== undefined) request.body += textOf(chunks.body);
        rest = rest.subarray(taken);
        if (!chunks.over) continue;
        request.trailers = linesOf(chunks.trailers);
      } else if (request !== undefined) {
        const taken = Math.min(left, rest.length);
        request.body += textOf(rest.subarray(0, taken));
        rest = rest.subarray(taken);
        left -= taken;
        if (left > 0) continue;
      } else {
        const head = reader.read(rest);
        if (head === undefined) break;
        if (head.problem !== undefined) {
          return { requests, end: { status: head.status ?? problemStatus(head.problem), detail: head.detail } };
        }
        rest = Uint8Array.from(reader.rest);
        const { method, target, host, minor, persistent } = head;
        request = {
          method,
          target,
          authority: head.authority ?? "",
          host,
          minor,
          lines: linesOf(head.fields),
          body: "",
          trailers: [],
          persistent,
          expects: head.expectsContinue,
          upgrade: head.upgrade ?? "",
        };
        chunks = head.framing === "chunked" ? new Chunks(RULES) : undefined;
        left = typeof head.framing === "number" ? head.framing : 0;
        if (chunks !== undefined || left > 0) continue;
      }
      requests.push(request);
      request = chunks = undefined;
    }
  }
  return { requests, end: request !== undefined || reader.held > 0 ? "more" : undefined };
}
