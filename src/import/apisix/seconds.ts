import { MAX_MILLISECONDS } from "../../base/clock.ts";
import type { Input } from "../input.ts";

/** APISIX's seconds, which may have a fraction, as whole milliseconds that a timer can wait. */
export const toMilliseconds = (seconds: number): number =>
  Math.min(MAX_MILLISECONDS, Math.max(0, Math.round(seconds * 1000)));

const UNITS: Readonly<Record<string, number>> = { "": 1, ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** A number of seconds, or a time of nginx's such as 60s or 500ms; undefined: it is none, and is declined. */
export function secondsOf(input: Input): number | undefined {
  if (typeof input.raw !== "string") return input.number();
  const [, digits, unit] = /^([0-9]{1,9}(?:\.[0-9]+)?)(ms|[smhd]?)$/.exec(input.text() ?? "") ?? [];
  if (digits === undefined) input.decline("it must be a time such as 60s");
  return digits === undefined ? undefined : Number(digits) * UNITS[unit!]!;
}
