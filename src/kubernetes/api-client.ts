import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import { isHtml, parseJson, readText } from "./body.ts";
import type { Connection } from "./connection.ts";
import {
  ApiError,
  describeCollection,
  type ErrorContext,
  InvalidObjectError,
  parseRetryAfter,
  shorten,
  statusError,
  toApiError,
} from "./errors.ts";
import { openScope, orAborted, type Scope } from "./request-scope.ts";
import type { Collection } from "./types.ts";
import { isKubernetesObject, readWatchStream, type WatchEvent } from "./watch-stream.ts";

export type { WatchEvent } from "./watch-stream.ts";

/** What a LIST asks for beside its collection. Keys that are undefined are not sent. */
export interface ListQuery {
  /** Objects per page. */
  readonly limit?: number | undefined;
  /** The token of the page before. */
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: "NotOlderThan" | "Exact" | undefined;
}

/** One page of a LIST. */
export interface ListPage {
  readonly items: unknown[];
  readonly resourceVersion: string;
  /** undefined: this was the last page. */
  readonly continue: string | undefined;
  /** How many objects are left, where the server says so. */
  readonly remaining: number | undefined;
}

/** What a WATCH asks for. */
export interface WatchQuery {
  readonly resourceVersion: string;
  readonly timeoutSeconds: number;
}

/** The few calls of the Kubernetes API this project needs. All reject with `ApiError`, or the signal's reason. */
export interface ApiClient {
  list(collection: Collection, query: ListQuery, signal: AbortSignal): Promise<ListPage>;
  /**
   * The events from a version on, bookmarks asked for. The request leaves when the first event is asked for; leaving
   * the loop ends it. `onBytes` is called when the answer's headers arrive and at every chunk.
   */
  watch(collection: Collection, query: WatchQuery, signal: AbortSignal, onBytes: () => void): AsyncIterable<WatchEvent>;
  /** The decoded JSON at a path such as `/version`. */
  get(path: string, signal: AbortSignal): Promise<unknown>;
}

export interface ApiClientOptions {
  readonly connection: Connection;
  readonly logger: Logger;
  readonly clock: Clock;
  /** What the apiserver's audit log shows. @default "podway" */
  readonly userAgent?: string | undefined;
}

/** How long the answer's headers, and a whole list page, may take: as long as kube-apiserver's own page time-outs. */
export const ANSWER_TIMEOUT_MS = 30_000;

/**
 * A page of 500 full slices (100 endpoints, what the control plane puts in one) has about 20 MB; what is larger than
 * this is not a page of ours. Together with what the runtime has not yet freed it stays below 100 MB.
 */
export const PAGE_LIMIT: number = 48 * 1024 * 1024;

/** An error's body is a Status object; more than this is a page of some proxy. */
const ERROR_BODY_LIMIT = 64 * 1024;

/** The path and query of a collection. */
export function collectionPath(collection: Collection, query: Readonly<Record<string, string | undefined>>): string {
  const scope = collection.namespace === undefined ? "" : `/namespaces/${encodeURIComponent(collection.namespace)}`;
  const search = new URLSearchParams();
  const all = { labelSelector: collection.labelSelector, fieldSelector: collection.fieldSelector, ...query };
  for (const [key, value] of Object.entries(all)) if (value !== undefined) search.set(key, value);
  const text = search.toString();
  return `/${collection.groupVersion}${scope}/${collection.resource}${text === "" ? "" : `?${text}`}`;
}

function readPage(value: unknown, collection: Collection): ListPage {
  const list = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const refuse = (text: string): never => {
    throw new InvalidObjectError(text);
  };
  if (list.kind !== collection.listKind) {
    refuse(`the answer is of kind ${shorten(JSON.stringify(list.kind) ?? "(none)", 60)}, not ${collection.listKind}`);
  }
  const metadata = (typeof list.metadata === "object" && list.metadata !== null ? list.metadata : {}) as Record<
    string,
    unknown
  >;
  const { resourceVersion } = metadata;
  if (typeof resourceVersion !== "string" || resourceVersion === "") {
    return refuse("the list has no metadata.resourceVersion");
  }
  // An empty Go slice may be written as null.
  // Go writes an empty list as null or []; a list without the key was not made by an apiserver, and must not empty us.
  if (list.items === undefined) return refuse("the list has no items key");
  const items: unknown = list.items ?? [];
  if (!Array.isArray(items)) return refuse("the list's items are not an array");
  const bad = items.findIndex((item) => !isKubernetesObject(item));
  if (bad !== -1) refuse(`item ${bad} of the list has no metadata with a name`);
  const next = metadata.continue;
  return {
    items,
    resourceVersion,
    continue: typeof next === "string" && next !== "" ? next : undefined,
    remaining: typeof metadata.remainingItemCount === "number" ? metadata.remainingItemCount : undefined,
  };
}

/** A client of one apiserver. It keeps no state of its own: connection and credentials hold what changes. */
export function createApiClient(options: ApiClientOptions): ApiClient {
  const { connection, logger, clock, userAgent = "podway" } = options;

  /** Credentials that cannot be had are told as they are: no network is involved in a missing file. */
  const authorize = async (scope: Scope, context: ErrorContext): Promise<string | undefined> => {
    try {
      return await orAborted(scope.signal, connection.credentials.authorization());
    } catch (cause) {
      scope.signal.throwIfAborted();
      const what = context.collection === undefined ? "" : ` ${describeCollection(context.collection)}`;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ApiError("unauthorized", `cannot ${context.verb}${what}: no credentials: ${shorten(why)}`, { cause });
    }
  };

  const send = async (path: string, scope: Scope, context: ErrorContext) => {
    const authorization = await authorize(scope, context);
    const headers: Record<string, string> = {
      accept: "application/json",
      "accept-encoding": "gzip",
      "user-agent": userAgent,
    };
    if (authorization !== undefined) headers.authorization = authorization;
    const { fetch, server } = connection;
    const init: RequestInit = { headers, redirect: "manual", signal: scope.signal };
    return {
      response: await orAborted(scope.signal, fetch(server + path, init)),
      used: { authorization, fetch },
    };
  };

  /** The successful answer's Response; everything else is thrown. Once more after a 401 if that gave other credentials. */
  const request = async (path: string, scope: Scope, context: ErrorContext): Promise<Response> => {
    let { response, used } = await send(path, scope, context);
    if (response.status === 401) {
      connection.credentials.rejected();
      const authorization = await authorize(scope, context);
      if (authorization !== used.authorization || connection.fetch !== used.fetch) {
        logger.log("debug", "the apiserver answered 401: trying once more with credentials read anew");
        await response.body?.cancel().catch(() => {});
        ({ response } = await send(path, scope, context));
      }
    }
    if (response.status === 200) return response;
    const text = await readText(response.body, ERROR_BODY_LIMIT, scope.signal).catch(() => "");
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      body = isHtml(text) || text.trim() === "" ? undefined : { message: shorten(text, 200) };
    }
    const retryAfter = parseRetryAfter(response.headers.get("retry-after"), clock.now());
    throw statusError(response.status, body, context, retryAfter);
  };

  const getJson = async (path: string, signal: AbortSignal, context: ErrorContext): Promise<unknown> => {
    const scope = openScope(signal, clock);
    try {
      scope.deadline(ANSWER_TIMEOUT_MS, "no whole answer");
      const response = await request(path, scope, context);
      return parseJson(await readText(response.body, PAGE_LIMIT, scope.signal));
    } finally {
      scope.close();
    }
  };

  /** The caller's own abort stays what it is; everything else becomes an `ApiError` that says what was asked. */
  const explain = (error: unknown, context: ErrorContext, signal: AbortSignal): unknown =>
    signal.aborted ? signal.reason : toApiError(error, context);

  return {
    async list(collection, query, signal) {
      const context: ErrorContext = { verb: "list", collection };
      const path = collectionPath(collection, {
        limit: query.limit?.toString(),
        continue: query.continue,
        resourceVersion: query.resourceVersion,
        resourceVersionMatch: query.resourceVersionMatch,
      });
      try {
        return readPage(await getJson(path, signal, context), collection);
      } catch (error) {
        throw explain(error, context, signal);
      }
    },

    async *watch(collection, query, signal, onBytes) {
      const context: ErrorContext = { verb: "watch", collection };
      const path = collectionPath(collection, {
        watch: "true",
        allowWatchBookmarks: "true",
        resourceVersion: query.resourceVersion,
        timeoutSeconds: query.timeoutSeconds.toString(),
      });
      const scope = openScope(signal, clock);
      try {
        scope.deadline(ANSWER_TIMEOUT_MS, "no answer");
        const response = await request(path, scope, context);
        scope.met();
        onBytes();
        if (response.body !== null) yield* readWatchStream(response.body, context, scope.signal, onBytes);
      } catch (error) {
        throw explain(error, context, signal);
      } finally {
        scope.close();
      }
    },

    async get(path, signal) {
      const context: ErrorContext = { verb: "get" };
      try {
        return await getJson(path, signal, context);
      } catch (error) {
        throw explain(error, context, signal);
      }
    },
  };
}
