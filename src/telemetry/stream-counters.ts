/**
 * What may become of a connection of a stream, beside that it ends well.
 * - `no_upstream`: there was no address to connect to.
 * - `connect`, `connect_timeout`: no address could be reached, or none in time; TLS to the upstream included.
 * - `client_reset`, `upstream_reset`: that side broke it.
 * - `idle_timeout`: it was silent for longer than the stream allows.
 * - `limit`: the stream had `max_connections` open.
 * - `client_tls`: the client's TLS handshake failed.
 * - `drained`: the gateway ended before it did.
 */
export const STREAM_FAILURES = [
  "no_upstream",
  "connect",
  "connect_timeout",
  "client_reset",
  "upstream_reset",
  "idle_timeout",
  "limit",
  "client_tls",
  "drained",
] as const;
export type StreamFailure = (typeof STREAM_FAILURES)[number];

/** What one stream has counted since the gateway started. All but `open` only ever grow. */
export interface StreamCounts {
  /** Connections taken. */
  connections: number;
  /** Of those, the ones that have not ended. */
  open: number;
  /** Bytes from clients, without TLS. */
  up: number;
  /** Bytes from upstreams, without TLS. */
  down: number;
  /** Attempts to connect that followed a failed one. */
  retries: number;
  /** Times an address was ejected. */
  ejections: number;
  readonly failures: Record<StreamFailure, number>;
}

/** An address was ejected. */
export function countStreamEjection(counts: StreamCounts): void {
  counts.ejections++;
}

/** The counters of a gateway's streams. */
export interface StreamCounters {
  /** The counts of a stream; the same ones for an id that was known before, across reloads. */
  stream(id: string): StreamCounts;
  /** Forgets streams that are no longer configured: memory does not grow with reloads. */
  keep(ids: ReadonlySet<string>): void;
  all(): ReadonlyMap<string, StreamCounts>;
}

const freshCounts = (): StreamCounts => ({
  connections: 0,
  open: 0,
  up: 0,
  down: 0,
  retries: 0,
  ejections: 0,
  failures: Object.fromEntries(STREAM_FAILURES.map((name) => [name, 0])) as Record<StreamFailure, number>,
});

/** Makes counters that stand at zero. */
export function createStreamCounters(): StreamCounters {
  const streams = new Map<string, StreamCounts>();
  return {
    stream(id) {
      const known = streams.get(id);
      if (known !== undefined) return known;
      const counts = freshCounts();
      streams.set(id, counts);
      return counts;
    },
    keep(ids) {
      for (const id of streams.keys()) if (!ids.has(id)) streams.delete(id);
    },
    all: () => streams,
  };
}
