import { type ApiError, type ErrorContext, InvalidObjectError, shorten, statusError } from "./errors.ts";
import { createLineSplitter } from "./line-splitter.ts";
import type { KubernetesObject } from "./types.ts";

/**
 * One event of a watch, checked.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: KubernetesObject }
  /** Nothing changed up to this version. */
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string }
  /** The server cannot go on: its Status as an error. */
  | { readonly type: "ERROR"; readonly error: ApiError };

/** The longest line of a watch we hold: etcd refuses objects beyond 1.5 MiB, so this is a broken stream, not an object. */
export const WATCH_LINE_LIMIT: number = 16 * 1024 * 1024;

/** True for what every object of the API has: metadata with a name. */
export function isKubernetesObject(value: unknown): value is KubernetesObject {
  if (typeof value !== "object" || value === null) return false;
  const metadata = (value as { metadata?: unknown }).metadata;
  return typeof metadata === "object" && metadata !== null && typeof (metadata as { name?: unknown }).name === "string";
}

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
      if (!isKubernetesObject(object))
        throw new InvalidObjectError(`a watch event ${type} without an object's metadata`);
      return { type, object };
    case "BOOKMARK": {
      const version = (object as { metadata?: { resourceVersion?: unknown } } | undefined)?.metadata?.resourceVersion;
      if (typeof version !== "string" || version === "") {
        throw new InvalidObjectError("a watch bookmark without a resourceVersion");
      }
      return { type, resourceVersion: version };
    }
    case "ERROR":
      return { type, error: statusError(undefined, object, context) };
    default:
      throw new InvalidObjectError(`unknown event type ${shorten(JSON.stringify(type) ?? "(none)", 40)} in the watch`);
  }
}

/**
 * The events of a watch's body, in order, until it ends. What stands behind the last newline is dropped: a cut line is
 * replayed by the server when the watch resumes. Rejects with the signal's reason when it aborts.
 */
export async function* readWatchStream(
  body: ReadableStream<Uint8Array>,
  context: ErrorContext,
  signal: AbortSignal,
  onBytes: () => void,
): AsyncGenerator<WatchEvent, void, undefined> {
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
      for (const line of splitter.push(value)) yield parseWatchEvent(line, context);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}
