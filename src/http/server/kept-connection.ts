import type { ConnectionPhase, ConnectionTimeout } from "../http1/connection-phase.ts";

/** A client's connection as its server keeps it, whatever version of HTTP it speaks. It has no timers of its own. */
export interface KeptConnection {
  readonly phase: ConnectionPhase;
  /** Since when it is in this phase, in milliseconds since the epoch. */
  readonly since: number;
  /** Bytes that wait for the client to take them. */
  readonly waiting: number;
  /** How often all that waited was taken. While this and `waiting` stay the same, the client takes nothing. */
  readonly drains: number;
  /** Bytes that are held for either end. */
  readonly heldBytes: number;
  /** It is the client's turn to send more of a request's body. */
  readonly awaitsBody: boolean;
  /** Bytes that came of the body of the request under way. Left out: it watches its bodies itself. */
  readonly bodyBytes?: number;
  /** Bytes came: for those that were read before it took its socket over. */
  data(bytes: Uint8Array): void;
  /** Called about every second, for what it watches itself. */
  tick?(now: number): void;
  /** From now on each answer is the last; without a request it closes. */
  drain(): void;
  /** Closes it at once. Harmless when it is over. */
  close(): void;
  /** Its time is up: it does what is due then. */
  expire(timeout: ConnectionTimeout): void;
}
