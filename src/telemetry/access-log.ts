import type { Clock } from "../base/clock.ts";
import type { Drain } from "../http/drain.ts";
import type { HttpAnswer } from "../http/message.ts";
import { type BodyEnd, bodySourceOf, isWhole, type SourceWatcher, WatchedSource } from "../http/watched-source.ts";
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
  finish(entry: AccessLogEntry, answer: HttpAnswer): HttpAnswer;
  /** A connection of a stream ended. */
  connection(entry: StreamEntry): void;
  /** Writes what waits, at once: before the process ends. */
  flush(): void;
}

/** Long enough for a batch under load, short enough for a person who waits for the line. */
const BATCH_MS = 20;
/** A burst is written before it holds much memory. */
const BATCH_LINES = 1024;

/** Writes an entry once its answer's body is over. */
type AddLine = (entry: AccessLogEntry, status: number, bytes: number | undefined) => void;

/** Counts the bytes of an answer whose length is not known before. */
class CountedBody implements SourceWatcher {
  readonly #entry: AccessLogEntry;
  readonly #status: number;
  readonly #drain: Pick<Drain, "over"> | undefined;
  readonly #add: AddLine;
  #bytes = 0;

  constructor(entry: AccessLogEntry, status: number, drain: Pick<Drain, "over"> | undefined, add: AddLine) {
    this.#entry = entry;
    this.#status = status;
    this.#drain = drain;
    this.#add = add;
  }

  passed(bytes: number): void {
    this.#bytes += bytes;
  }

  over(how: BodyEnd): void {
    if (how !== "complete") {
      this.#entry.error ??= this.#drain?.over ? "draining" : how === "cancelled" ? "client_gone" : "upstream_reset";
    }
    this.#add(this.#entry, this.#status, this.#bytes);
  }
}

/** Bytes of a body that is there as a whole. */
function sizeOf(body: null | string | Uint8Array): number {
  if (body === null) return 0;
  return typeof body === "string" ? new TextEncoder().encode(body).length : body.length;
}

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

  const add: AddLine = (entry, status, bytes) => write(line({ entry, status, bytes, ended: clock.now() }));

  return {
    finish(entry, answer) {
      const { status, statusText, headers, body } = answer;
      if (entry.over !== undefined) {
        void entry.over.then((bytes) => add(entry, status, bytes));
        return answer;
      }
      const length = headers.get("content-length");
      if (isEmpty(status, entry.facts.method)) add(entry, status, 0);
      else if (length !== null) add(entry, status, Number(length));
      else if (isWhole(body)) add(entry, status, sizeOf(body));
      else {
        const counted = new WatchedSource(bodySourceOf(body), new CountedBody(entry, status, drain, add));
        return { status, statusText, headers, body: counted };
      }
      return answer;
    },
    connection: (entry) => write(connectionLine(entry)),
    flush,
  };
}
