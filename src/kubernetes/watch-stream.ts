import { decode } from "./body.ts";
import { type ApiError, type ErrorContext, InvalidObjectError, shorten, statusError } from "./errors.ts";
import { extentOf, isText } from "./json-bytes.ts";
import { createLineSplitter } from "./line-splitter.ts";
import { type SkippedObject, skippedObject } from "./skipped-objects.ts";
import type { ByteReader, ReadObject } from "./types.ts";

/**
 * One event of a watch, checked.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export type WatchEvent<T = never> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: unknown }
  /** The same three, of an object that was read from its bytes. */
  | { readonly type: "READ"; readonly deleted: boolean; readonly object: ReadObject<T> }
  /** Something about an object that cannot even be looked at. */
  | { readonly type: "UNREADABLE"; readonly skipped: SkippedObject }
  /** Nothing changed up to this version. */
  | {
      readonly type: "BOOKMARK";
      readonly resourceVersion: string;
      /** The initial events are complete, where they were asked for. */
      readonly initialEnd?: true;
    }
  /** The server cannot go on: its Status as an error. */
  | { readonly type: "ERROR"; readonly error: ApiError };

/** The longest line of a watch that is held: etcd refuses objects beyond 1.5 MiB, so this is a broken stream. */
export const WATCH_LINE_LIMIT: number = 16 * 1024 * 1024;

/** The bookmark's annotation that ends initial events. */
const INITIAL_END = "k8s.io/initial-events-end";

/** Decodes one line of a watch. Throws `InvalidObjectError` for what is none. */
export function parseWatchEvent(line: string, context: ErrorContext): WatchEvent {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw new InvalidObjectError(`a line of the watch is not JSON: ${shorten(line, 60)}`);
  }
  const { type, object } = (parsed ?? {}) as { type?: unknown; object?: unknown };
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type, object };
    case "BOOKMARK": {
      const metadata = (object as { metadata?: { resourceVersion?: unknown; annotations?: unknown } } | undefined)
        ?.metadata;
      const version = metadata?.resourceVersion;
      if (typeof version !== "string" || version === "") {
        throw new InvalidObjectError("a watch bookmark without a resourceVersion");
      }
      const annotations = (metadata?.annotations ?? {}) as Record<string, unknown>;
      if (annotations[INITIAL_END] === "true") return { type, resourceVersion: version, initialEnd: true };
      return { type, resourceVersion: version };
    }
    case "ERROR":
      return { type, error: statusError(undefined, object, context) };
    default:
      throw new InvalidObjectError(`unknown event type ${shorten(JSON.stringify(type) ?? "(none)", 40)} in the watch`);
  }
}

const encoder = new TextEncoder();
/** How an apiserver begins a line that has an object. */
const BEGINNINGS = (["ADDED", "MODIFIED", "DELETED"] as const).map((type) => ({
  deleted: type === "DELETED",
  bytes: encoder.encode(`{"type":"${type}","object":`),
}));

const CLOSE = 0x7d;
const SPACE = 0x20;
const TAB = 0x09;
const RETURN = 0x0d;

function readEvent<T>(line: Uint8Array, context: ErrorContext, read: ByteReader<T> | undefined): WatchEvent<T> {
  if (read !== undefined && line[line.length - 1] === CLOSE) {
    for (const { deleted, bytes } of BEGINNINGS) {
      if (!isText(line, 0, Math.min(bytes.length, line.length), bytes)) continue;
      const object = read(line, bytes.length);
      if (object?.end === line.length - 1) return { type: "READ", deleted, object };
    }
  }
  if (!extentOf(line, 0).parseable) {
    const error = new InvalidObjectError(`a line of the watch (${line.length} bytes) is nested too deeply`, "nesting");
    return { type: "UNREADABLE", skipped: skippedObject(undefined, error) };
  }
  return parseWatchEvent(decode(line), context);
}

/** White space between two events means nothing, as in any stream of JSON (RFC 8259 section 2). */
const isBlank = (line: Uint8Array): boolean =>
  line[0]! <= SPACE && line.every((byte) => byte === SPACE || byte === TAB || byte === RETURN);

/** What a watch's reader needs beside the body. */
export interface WatchReading<T> {
  readonly context: ErrorContext;
  readonly signal: AbortSignal;
  /** Called for every chunk. */
  readonly onBytes: () => void;
  /** Reads objects that need not become JSON objects first. */
  readonly read?: ByteReader<T> | undefined;
}

/**
 * The events of a watch's body, in order, until it ends: all that a chunk completes at once, since waiting for each
 * alone costs as much as reading it. What stands behind the last newline is dropped: the server replays a cut line when
 * the watch resumes. Rejects with the signal's reason when it aborts.
 */
export async function* readWatchStream<T = never>(
  body: ReadableStream<Uint8Array>,
  { context, signal, onBytes, read }: WatchReading<T>,
): AsyncGenerator<readonly WatchEvent<T>[], void, undefined> {
  const reader = body.getReader();
  const splitter = createLineSplitter(WATCH_LINE_LIMIT);
  // Not every runtime ends a pending read when the request's signal aborts; cancelling does.
  const stop = (): void => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      onBytes();
      const events: WatchEvent<T>[] = [];
      try {
        for (const line of splitter.push(value)) if (!isBlank(line)) events.push(readEvent(line, context, read));
      } catch (error) {
        // What came before the line that is none still holds.
        yield events;
        throw error;
      }
      if (events.length > 0) yield events;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}
