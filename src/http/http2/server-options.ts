import type { Random } from "../../base/clock.ts";
import type { ServerOptions } from "../http1/server-context.ts";
import type { Http2ServerConnection } from "./server-connection.ts";

/** Limits of `server.limits`; 0 is none, but for `streams`. */
export interface Http2Limits {
  /** Of all fields together: characters of names and values, and 32 for each. */
  readonly header_bytes: number;
  /** Fields. */
  readonly headers: number;
  /** Of path and query. */
  readonly url_bytes: number;
  /** Streams that may be open at once on a connection. */
  readonly streams: number;
  /** Bytes in each second that a body must bring over any `body_window`, while it would be read. */
  readonly body_rate: number;
  /** Milliseconds. */
  readonly body_window: number;
  /** Milliseconds for which an answer may wait for a client that takes nothing of it. */
  readonly write_stall: number;
}

/** What HTTP/2 connections need of their server. */
export interface Http2ServerOptions extends Omit<ServerOptions, "limits" | "closed"> {
  /** In force for connections that begin from now on: may be changed under way. */
  readonly limits: Http2Limits;
  /** For the keys of WebSocket handshakes, which prove nothing here but that their answer is not of a cache. */
  readonly random: Random;
  /**
   * Calls a function once, soon: what is written until then leaves in one write. @default in the event loop's next turn, which
   * gathers the answers of many pods
   */
  readonly defer?: ((flush: () => void) => void) | undefined;
  /** A connection broke a rule that ends it, such as a flood; `code`: the error it is sent. For a counter and a log line. */
  broken?(connection: Http2ServerConnection, code: number, why: string): void;
  /** A connection is over, or will be as soon as the socket has let go of it. Called once for each. */
  closed(connection: Http2ServerConnection): void;
}
