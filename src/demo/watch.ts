import type { Clock, Random } from "../base/clock.ts";
import { countOf, type Filter, filterOf, versionOf } from "./list.ts";
import { objectText, toVersion } from "./objects.ts";
import { createPipe, lostConnection } from "./pipe.ts";
import { tableText } from "./printing.ts";
import { apiVersionOf, type ResourceTarget } from "./resources.ts";
import { failure, invalid, StatusError } from "./status.ts";
import type { Store, StoreEvent } from "./store.ts";
import type { ApiserverSettings, Json, LoggedRequest, OpenWatch, StoredObject } from "./types.ts";

/** A watch without `timeoutSeconds` lives this long, spread up to double: the apiserver's --min-request-timeout. */
const DEFAULT_TIMEOUT_MS = 1_800_000;

/** The Status of a watch whose version is no longer known. */
export const GONE_EVENT = failure(410, "Expired", "too old resource version: 1 (2)");

/** An ERROR event's line. */
export const errorLine = (status: Json): string => `${JSON.stringify({ type: "ERROR", object: status })}\n`;

/** How a watch's objects are written. */
export type WatchFormat = { readonly as: "object" } | { readonly as: "table"; readonly include: string };

/** What opening a watch needs. */
export interface WatchRequest {
  readonly logged: LoggedRequest;
  readonly target: ResourceTarget;
  readonly format: WatchFormat;
  readonly signal: AbortSignal;
}

/** All open watches of a server. */
export interface WatchHub {
  readonly open: readonly OpenWatch[];
  /** The stream's body. Throws a StatusError for a watch that is refused. */
  watch(request: WatchRequest): ReadableStream<Uint8Array>;
  /** Ends them all. */
  close(): void;
}

/** What a watch starts with before changes flow. */
type Start =
  /** The objects there are, then (with `endMarker`) the bookmark that says so, then changes. */
  { readonly from: "state"; readonly endMarker: boolean } | { readonly from: "version"; readonly version: number };

const refuse = (field: string, why: string) =>
  invalid("ListOptions", "meta.k8s.io", "", [{ reason: "FieldValueForbidden", message: `Forbidden: ${why}`, field }]);

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists */
function startOf(query: URLSearchParams, settings: ApiserverSettings): Start {
  const version = versionOf(query.get("resourceVersion"));
  const match = query.get("resourceVersionMatch");
  const initial = query.get("sendInitialEvents");
  const knows = settings.sendInitialEvents !== "ignored";
  if (initial !== null && knows) {
    if (settings.sendInitialEvents === "refused") {
      throw refuse(
        "sendInitialEvents",
        "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
      );
    }
    if (match !== "NotOlderThan") {
      throw refuse("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
    if (initial === "true") {
      return { from: "state", endMarker: query.get("allowWatchBookmarks") === "true" };
    }
    return { from: "version", version };
  }
  if (match && knows) {
    throw refuse(
      "resourceVersionMatch",
      "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
    );
  }
  return version === 0 ? { from: "state", endMarker: false } : { from: "version", version };
}

/** What a change is to a watch whose selectors see only a part: an object may start or cease to match. */
function transition(event: StoreEvent, filter: Filter): { type: StoreEvent["type"]; object: StoredObject } | undefined {
  const before = event.previous !== undefined && filter(event.previous);
  const now = event.type !== "DELETED" && filter(event.object);
  if (now) return { type: before ? "MODIFIED" : "ADDED", object: event.object };
  if (!before) return undefined;
  if (event.type === "DELETED") return { type: "DELETED", object: event.object };
  const resourceVersion = event.object.metadata.resourceVersion;
  return {
    type: "DELETED",
    object: { ...event.previous!, metadata: { ...event.previous!.metadata, resourceVersion } },
  };
}

/** Makes the hub of a server's watches. */
export function createWatchHub(options: {
  readonly store: Store;
  readonly settings: ApiserverSettings;
  readonly clock: Clock;
  readonly random: Random;
}): WatchHub {
  const { store, settings, clock, random } = options;
  const encoder = new TextEncoder();
  const open: OpenWatch[] = [];
  const closers = new Map<OpenWatch, () => void>();

  function watch({ logged, target, format, signal }: WatchRequest): ReadableStream<Uint8Array> {
    const { query } = logged;
    const { resource, version } = target;
    const filter = filterOf(target, query);
    const bookmarks = query.get("allowWatchBookmarks") === "true";
    const start = startOf(query, settings);
    const seconds = countOf(query, "timeoutSeconds");
    const replay = start.from === "version" ? replayFrom(start.version) : [];
    let frozen = false;
    let columns = true;

    const finish = (): void => {
      const at = open.indexOf(handle);
      if (at >= 0) open.splice(at, 1);
      closers.get(handle)?.();
      closers.delete(handle);
    };
    const pipe = createPipe(signal, () => finish());
    const send = (text: string): void => {
      if (!frozen) pipe.write(encoder.encode(text));
    };
    const sendObject = (type: StoreEvent["type"], object: StoredObject): void => {
      const shown = toVersion(resource, version, object);
      if (format.as === "object") {
        send(`{"type":"${type}","object":${objectText(shown)}}\n`);
        return;
      }
      const text = tableText(resource, [shown], {
        now: clock.now(),
        include: format.include,
        columns,
        meta: { resourceVersion: object.metadata.resourceVersion },
      });
      columns = false;
      send(`{"type":"${type}","object":${text}}\n`);
    };
    const sendBookmark = (annotations?: Json): void => {
      const metadata = {
        resourceVersion: String(store.version),
        creationTimestamp: null,
        ...(annotations && { annotations }),
      };
      const object = { kind: resource.kind, apiVersion: apiVersionOf(resource, version), metadata };
      send(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
    };
    const deliver = (event: StoreEvent): void => {
      if (event.resource !== resource.plural) return;
      const seen = transition(event, filter);
      if (seen) sendObject(seen.type, seen.object);
    };
    const handle: OpenWatch = {
      request: logged,
      freeze() {
        frozen = true;
      },
      end() {
        finish();
        pipe.end();
      },
      break() {
        finish();
        pipe.fail(lostConnection());
      },
      write: (data) => pipe.write(typeof data === "string" ? encoder.encode(data) : data),
      error(status = GONE_EVENT) {
        send(errorLine(status));
        handle.end();
      },
      bookmark: () => sendBookmark(),
    };

    if (replay === "gone") {
      send(errorLine(goneSince(versionOf(query.get("resourceVersion")))));
      pipe.end();
      return pipe.readable;
    }
    if (start.from === "state") {
      for (const object of store.list(resource.plural)) if (filter(object)) sendObject("ADDED", object);
      if (start.endMarker) sendBookmark({ "k8s.io/initial-events-end": "true" });
    }
    for (const event of replay) deliver(event);

    const stops = [store.subscribe(deliver), ...timers()];
    closers.set(handle, () => {
      for (const stop of stops) stop();
    });
    open.push(handle);
    if (signal.aborted) finish();
    return pipe.readable;

    function replayFrom(from: number): readonly StoreEvent[] | "gone" {
      if (from > store.version) return [];
      try {
        return store.since(from);
      } catch (error) {
        if (error instanceof StatusError && settings.gone === "event") return "gone";
        throw error;
      }
    }

    function timers(): (() => void)[] {
      const lifetime = seconds > 0 ? seconds * 1000 : DEFAULT_TIMEOUT_MS * (1 + random());
      const stopTimeout = clock.after(lifetime, () => {
        // A frozen watch plays a connection that is half open: its end would not arrive either.
        if (!frozen) handle.end();
      });
      if (!bookmarks) return [stopTimeout];
      let stopBookmark = (): void => {};
      const again = (): void => {
        stopBookmark = clock.after(settings.bookmarkInterval, () => {
          sendBookmark();
          again();
        });
      };
      again();
      return [stopTimeout, () => stopBookmark()];
    }
  }

  const goneSince = (from: number): Json => {
    try {
      store.since(from);
    } catch (error) {
      if (error instanceof StatusError) return error.status;
    }
    return GONE_EVENT;
  };

  return {
    open,
    watch,
    close() {
      for (const handle of [...open]) handle.end();
    },
  };
}

/** Reads `?watch=` as the apiserver does: everything but false and 0 is yes. */
export function isWatch(query: URLSearchParams): boolean {
  const text = query.get("watch");
  return text !== null && text !== "0" && text.toLowerCase() !== "false";
}
