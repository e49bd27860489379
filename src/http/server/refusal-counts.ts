/**
 * Why a connection, or a request for the whole server's sake, was refused or ended before its time:
 * - `connections`: all places are taken by connections with a request under way.
 * - `evicted`: it had no request, and its place was needed for another.
 * - `connections_per_client`: its address has as many as one may.
 * - `requests`: as many requests as there may be are under way.
 * - `buffer_bytes`: too much is held for slow ends.
 * - `handshake`: its TLS handshake failed, or took too long.
 * - `head_timeout`, `body_rate`, `write_stall`: it was too slow.
 * - `protocol`: it broke a rule of HTTP/2, such as a flood.
 */
export const REFUSAL_REASONS = [
  "connections",
  "evicted",
  "connections_per_client",
  "requests",
  "buffer_bytes",
  "handshake",
  "head_timeout",
  "body_rate",
  "write_stall",
  "protocol",
] as const;

/** Why something was refused. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** How often each happened. */
export type RefusalCounts = Record<RefusalReason, number>;

/** None so far. */
export const noRefusals = (): RefusalCounts =>
  Object.fromEntries(REFUSAL_REASONS.map((reason) => [reason, 0])) as RefusalCounts;
