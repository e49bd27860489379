import type { Clock } from "../base/clock.ts";
import { openAbortScope } from "./abort-scope.ts";
import type { ApiClient } from "./api-client.ts";
import { InvalidObjectError } from "./errors.ts";
import type { FullList } from "./list-all.ts";
import { metadataOf, type SkippedObject, tryDecode } from "./skipped-objects.ts";
import type { Collection, Decoder } from "./types.ts";
import type { WatchEvent } from "./watch-stream.ts";

/** How long such a stream may be silent before its end: what it sends is in the server's memory. */
const SILENCE_MS = 3000;

/** The server is asked to end it then; a whole list never takes so long. */
const STREAM_SECONDS = 60;

/** The stream did not do what was asked, though the server may be well: list by pages. */
export class NoStreamedListError extends Error {
  override name = "NoStreamedListError";
  /** True: it will be so the next time. */
  readonly lasting: boolean;

  constructor(message: string, lasting: boolean) {
    super(message);
    this.lasting = lasting;
  }
}

export interface StreamListOptions<T> {
  readonly api: ApiClient;
  readonly collection: Collection;
  readonly decode: Decoder<T>;
  readonly clock: Clock;
  /** The answer must not be older than this version; undefined: the most recent state. */
  readonly notOlderThan: string | undefined;
  readonly onBytes: () => void;
}

/**
 * A whole collection out of a watch's initial events: the apiserver answers from its memory, and neither side holds a
 * page. Servers before 1.27 may take the parameter for nothing and send what looks like one, so nothing counts before
 * the bookmark that says the list is complete.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists
 *
 * Rejects with `NoStreamedListError` when that bookmark does not come, with the server's `ApiError` when it refuses.
 */
export async function streamAll<T>(options: StreamListOptions<T>, signal: AbortSignal): Promise<FullList<T>> {
  const { api, collection, decode, clock, notOlderThan, onBytes } = options;
  const scope = openAbortScope(signal, clock);
  const found = new Map<string, T>();
  const skipped = new Map<string, SkippedObject>();
  const silent = (): void => scope.deadline(SILENCE_MS, "nothing more came of the list's stream");
  const take = (event: Exclude<WatchEvent<T>, { type: "BOOKMARK" | "ERROR" }>): void => {
    if (event.type === "UNREADABLE") {
      skipped.set(`unnamed ${skipped.size}`, event.skipped);
      return;
    }
    const { namespace, name } = event.type === "READ" ? event.object : metadataOf(event.object);
    const key = `${namespace}/${name}`;
    const deleted = event.type === "READ" ? event.deleted : event.type === "DELETED";
    const read = event.type === "READ" || deleted ? undefined : tryDecode(decode, event.object);
    const item = deleted ? undefined : event.type === "READ" ? event.object.item : read?.item;
    found.delete(key);
    skipped.delete(key);
    if (item !== undefined) found.set(key, item);
    else if (read?.skipped !== undefined) skipped.set(key, read.skipped);
  };
  try {
    const query = { resourceVersion: notOlderThan, timeoutSeconds: STREAM_SECONDS, initialEvents: true };
    const reading = {
      signal: scope.signal,
      onBytes() {
        silent();
        onBytes();
      },
      read: decode.fromBytes,
    };
    silent();
    for await (const events of api.watch(collection, query, reading)) {
      for (const event of events) {
        if (event.type === "ERROR") throw event.error;
        if (event.type !== "BOOKMARK") take(event);
        else if (event.initialEnd)
          return { items: [...found.values()], skipped: [...skipped.values()], resourceVersion: event.resourceVersion };
        else
          throw new NoStreamedListError("a bookmark came before the list's end: the server knows no such list", true);
      }
    }
    throw new NoStreamedListError("the stream ended before the list did", false);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof InvalidObjectError) throw new NoStreamedListError(error.message, false);
    if (scope.signal.aborted) throw new NoStreamedListError((scope.signal.reason as Error).message, true);
    throw error;
  } finally {
    scope.close();
  }
}
