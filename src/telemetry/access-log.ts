import type { Clock } from "../base/clock.ts";
import type { Drain } from "../http/drain.ts";
import { type BodyWatcher, watchBody, withBody } from "../http/watch-body.ts";
import type { AccessLogEntry } from "./access-log-entry.ts";
import { combinedLine, jsonLine } from "./line.ts";
import { type StreamEntry, streamCombinedLine, streamJsonLine } from "./stream-log.ts";

/** The access log's settings and where its lines go. */
export interface AccessLogOptions {
  readonly format: "json" | "combined";
  /** Query parameters whose values no line may hold. @default none */
  readonly hidden?: ReadonlySet<string>;
  /** Writes one or more whole lines, each with its newline. */
  readonly write: (lines: string) => void;
  readonly clock: Clock;
  /** Says whether the gateway cuts off what is under way. @default it never does */
  readonly drain?: Pick<Drain, "over"> | undefined;
}

/** One line per request and per connection of a stream, written in batches off the request path. */
export interface AccessLog {
  /**
   * The answer to a request is about to leave. Gives back the answer to send: the same one, or, where its length is
   * unknown, one whose bytes are counted.
   */
  finish(entry: AccessLogEntry, response: Response): Response;
  /** A connection of a stream ended. */
  connection(entry: StreamEntry): void;
  /** Writes what waits, at once: before the process ends. */
  flush(): void;
}

/** Long enough for a batch under load, short enough for a person who waits for the line. */
const BATCH_MS = 20;
/** A burst is written before it holds much memory. */
const BATCH_LINES = 1024;

/** Answers to these statuses have no body (RFC 9110 sections 15.3.5 and 15.4.5). */
const isEmpty = (status: number, method: string): boolean => status === 204 || status === 304 || method === "HEAD";

/** Makes an access log. Without one (`access_log: false`) nothing of this is called. */
export function createAccessLog({ format, hidden = new Set(), clock, drain, ...out }: AccessLogOptions): AccessLog {
  const line = format === "json" ? jsonLine : combinedLine(hidden);
  const connectionLine = format === "json" ? streamJsonLine : streamCombinedLine;
  // Text rather than what it is made of: a request kept until the batch is written would outlive a collection.
  let lines = "";
  let waiting = 0;

  function flush(): void {
    if (waiting === 0) return;
    const batch = lines;
    lines = "";
    waiting = 0;
    out.write(batch);
  }

  function write(text: string): void {
    if (waiting === 0) clock.after(BATCH_MS, flush);
    lines += text;
    waiting++;
    if (waiting >= BATCH_LINES) flush();
  }

  const add = (entry: AccessLogEntry, status: number, bytes: number | undefined): void =>
    write(line({ entry, status, bytes, ended: clock.now() }));

  function counted(entry: AccessLogEntry, response: Response, gone: AbortSignal | undefined): Response {
    let bytes = 0;
    const { status } = response;
    const watcher: BodyWatcher = {
      onChunk(size) {
        bytes += size;
      },
      onEnd(how) {
        if (how !== "complete") {
          entry.error ??= drain?.over ? "draining" : how === "cancelled" ? "client_gone" : "upstream_reset";
        }
        add(entry, status, bytes);
      },
    };
    return withBody(watchBody(response.body!, watcher, gone), response);
  }

  return {
    finish(entry, response) {
      const { status } = response;
      if (entry.over !== undefined) {
        void entry.over.then((bytes) => add(entry, status, bytes));
        return response;
      }
      const length = response.headers.get("content-length");
      if (isEmpty(status, entry.facts.method)) add(entry, status, 0);
      else if (length !== null) add(entry, status, Number(length));
      else if (response.body === null) add(entry, status, 0);
      else return counted(entry, response, entry.request?.signal);
      return response;
    },
    connection: (entry) => write(connectionLine(entry)),
    flush,
  };
}
