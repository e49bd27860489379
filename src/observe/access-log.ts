import type { Clock } from "../clock.ts";
import type { Exchange } from "./exchange.ts";

/** The access log's settings and where its lines go. */
export interface AccessLogOptions {
  readonly format: "json" | "combined";
  /** Writes one or more whole lines, each with its newline. */
  readonly write: (lines: string) => void;
  readonly clock: Clock;
}

/** One line per request, written in batches so that the request path only hands over what happened. */
export interface AccessLog {
  /**
   * The answer is about to leave. Gives back the answer to send: the same one, or, where its length is unknown, one whose
   * bytes are counted; the line is then written when the body ends.
   */
  finish(exchange: Exchange, response: Response): Response;
  /** Writes what waits, at once: before the process ends. */
  flush(): void;
}

/** Makes an access log. Without one (`access_log: false`) nothing of this is called. */
export declare function createAccessLog(options: AccessLogOptions): AccessLog;
