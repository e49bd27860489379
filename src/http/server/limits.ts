/** What a server allows its clients; 0 is no limit, unless it says otherwise. Times are milliseconds. */
export interface ServerLimits {
  /** For a head, from its first byte to its last, and for a TLS handshake. */
  readonly head_timeout: number;
  /** Without a request, before the first one too. */
  readonly keep_alive: number;
  /** In which bytes wait for a client and it takes none. */
  readonly write_stall: number;
  /** Bytes a second of a request's body, over `body_window` in which the server was ready to read. */
  readonly body_rate: number;
  readonly body_window: number;
  /** Connections at the same time. */
  readonly connections: number;
  /** Of one address. */
  readonly connections_per_client: number;
  /** Requests under way at the same time. */
  readonly requests: number;
  /** Bytes that are held for slow ends, all together. */
  readonly buffer_bytes: number;
}

/** The most connections that are allowed by default. */
const MOST_CONNECTIONS = 20_000;
/** Open files that are kept for what else a gateway opens: its own files, apiservers, the admin API. */
const OTHER_FILES = 256;

/**
 * How many connections a process can serve: each may need another one to a pod. `openFiles`: how many files it may have
 * open; undefined: not known.
 */
export function connectionsFor(openFiles: number | undefined): number {
  if (openFiles === undefined) return MOST_CONNECTIONS;
  return Math.max(1, Math.min(MOST_CONNECTIONS, Math.floor((openFiles - OTHER_FILES) / 2)));
}

/** The part of a process's limit that one of its threads has. */
export const shareOf = (limit: number, threads: number): number => Math.ceil(limit / threads);
