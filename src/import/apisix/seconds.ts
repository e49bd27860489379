import { MAX_MILLISECONDS } from "../../config/values.ts";

/** APISIX's seconds, which may have a fraction, as whole milliseconds that a timer can wait. */
export const milliseconds = (seconds: number): number =>
  Math.min(MAX_MILLISECONDS, Math.max(0, Math.round(seconds * 1000)));
