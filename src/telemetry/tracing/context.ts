import type { Random } from "../../base/clock.ts";
import type { SpanContext } from "./span.ts";

/** Version, trace, parent, flags; a later version may go on (W3C Trace Context, section 3.2). */
const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;

const SAMPLED = 1;

/** Whether a trace is recorded. */
export const isSampled = ({ flags }: Pick<SpanContext, "flags">): boolean => (flags & SAMPLED) !== 0;

/** What a client sent as `traceparent`; undefined: nothing, or nothing that is valid. */
export function parseTraceParent(header: string | null): SpanContext | undefined {
  const [, version, traceId = "", spanId = "", flags = "", more] = TRACEPARENT.exec(header?.trim() ?? "") ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/** The `traceparent` of what is done within a span. */
export const traceParent = ({ traceId, spanId, flags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, "0")}`;

/** An identifier of so many hexadecimal digits, a multiple of 8; never one of zeros alone, which is invalid. */
export function newId(digits: number, random: Random): string {
  for (;;) {
    let id = "";
    while (id.length < digits)
      id += Math.floor(random() * 2 ** 32)
        .toString(16)
        .padStart(8, "0");
    if (!/^0+$/.test(id)) return id;
  }
}

/**
 * Whether a trace that begins here is recorded: for all who sample by the same share it is the same ones, found as by
 * the `TraceIdRatioBased` sampler of OpenTelemetry for JavaScript.
 */
export function isChosen(traceId: string, share: number): boolean {
  if (share >= 1) return true;
  let mixed = 0;
  for (let at = 0; at < 32; at += 8) mixed = (mixed ^ Number.parseInt(traceId.slice(at, at + 8), 16)) >>> 0;
  return mixed < Math.floor(share * 0xffffffff);
}

/** The flags of a trace that begins here. */
export const flagsFor = (traceId: string, share: number): number => (isChosen(traceId, share) ? SAMPLED : 0);
