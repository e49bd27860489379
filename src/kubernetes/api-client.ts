import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { type AbortScope, openAbortScope, orAborted } from "./abort-scope.ts";
import { decode, isHtml, parseJson, readBytes } from "./body.ts";
import type { ApiserverConnection } from "./connection.ts";
import {
  ApiError,
  describeTarget,
  type ErrorContext,
  parseRetryAfter,
  shorten,
  statusError,
  toApiError,
} from "./errors.ts";
import { type CollectionPage, readPage } from "./list-page.ts";
import type { ByteReader, Collection } from "./types.ts";
import { readWatchStream, type WatchEvent } from "./watch-stream.ts";

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

/** What a WATCH asks for. */
export interface WatchQuery {
  /** Where it begins; undefined: with the most recent state. */
  readonly resourceVersion: string | undefined;
  readonly timeoutSeconds: number;
  /** All objects there are first, not older than the version, then a bookmark that says so. */
  readonly initialEvents?: boolean | undefined;
}

/** How a WATCH is read. */
export interface WatchOptions<T> {
  readonly signal: AbortSignal;
  /** Called when the answer's headers arrive and at every chunk. */
  readonly onBytes: () => void;
  /** Reads objects that need not become JSON objects first. */
  readonly read?: ByteReader<T> | undefined;
}

/** The few calls of the Kubernetes API this project needs. All reject with `ApiError`, or the signal's reason. */
export interface ApiClient {
  /** `https://host:port`: for error messages. */
  readonly server: string;
  list<T = never>(
    collection: Collection,
    query: ListQuery,
    signal: AbortSignal,
    read?: ByteReader<T>,
  ): Promise<CollectionPage<T>>;
  /**
   * The events from a version on, as many at once as came together, bookmarks asked for. The request leaves when the
   * first are asked for; leaving the loop ends it.
   */
  watch<T>(
    collection: Collection,
    query: WatchQuery,
    options: WatchOptions<T>,
  ): AsyncIterable<readonly WatchEvent<T>[]>;
  /** The decoded JSON at a path such as `/version`. `collection`: whose object it is, for error messages. */
  get(path: string, signal: AbortSignal, collection?: Collection): Promise<unknown>;
}

export interface ApiClientOptions {
  readonly connection: ApiserverConnection;
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

/** A client of one apiserver. It keeps no state of its own: connection and credentials hold what changes. */
export function createApiClient(options: ApiClientOptions): ApiClient {
  const { connection, logger, clock, userAgent = "podway" } = options;

  /** An error of the credentials keeps its message: no network is involved in a missing file. */
  const authorize = async (scope: AbortScope, context: ErrorContext): Promise<string | undefined> => {
    try {
      return await orAborted(scope.signal, connection.credentials.authorization());
    } catch (cause) {
      scope.signal.throwIfAborted();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ApiError(
        "unauthorized",
        `cannot ${context.verb}${describeTarget(context)}: no credentials: ${shorten(why)}`,
        { cause },
      );
    }
  };

  const send = async (path: string, scope: AbortScope, context: ErrorContext) => {
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

  /** The response, if it is a success; else throws. A 401 that gave other credentials is tried once more. */
  const request = async (path: string, scope: AbortScope, context: ErrorContext): Promise<Response> => {
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
    const text = await readBytes(response.body, ERROR_BODY_LIMIT, scope.signal).then(decode, () => "");
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      body = isHtml(text) || text.trim() === "" ? undefined : { message: shorten(text, 200) };
    }
    const retryAfter = parseRetryAfter(response.headers.get("retry-after"), clock.now());
    throw statusError(response.status, body, context, retryAfter);
  };

  const getBytes = async (path: string, signal: AbortSignal, context: ErrorContext): Promise<Uint8Array> => {
    const scope = openAbortScope(signal, clock);
    try {
      scope.deadline(ANSWER_TIMEOUT_MS, "no whole answer");
      const response = await request(path, scope, context);
      return await readBytes(response.body, PAGE_LIMIT, scope.signal);
    } finally {
      scope.close();
    }
  };

  /** The caller's own abort stays what it is; everything else becomes an `ApiError` that says what was asked. */
  const explain = (error: unknown, context: ErrorContext, signal: AbortSignal): unknown =>
    signal.aborted ? signal.reason : toApiError(error, context);

  const contextOf = (verb: ErrorContext["verb"], collection: Collection | undefined): ErrorContext => ({
    verb,
    collection,
    server: connection.server,
    givesCa: connection.givesCa,
  });

  return {
    get server() {
      return connection.server;
    },

    async list(collection, query, signal, read) {
      const context = contextOf("list", collection);
      const path = collectionPath(collection, {
        limit: query.limit?.toString(),
        continue: query.continue,
        resourceVersion: query.resourceVersion,
        resourceVersionMatch: query.resourceVersionMatch,
      });
      try {
        return readPage(await getBytes(path, signal, context), collection, read);
      } catch (error) {
        throw explain(error, context, signal);
      }
    },

    async *watch(collection, query, { signal, onBytes, read }) {
      const context = contextOf("watch", collection);
      const path = collectionPath(collection, {
        watch: "true",
        allowWatchBookmarks: "true",
        resourceVersion: query.resourceVersion,
        timeoutSeconds: query.timeoutSeconds.toString(),
        ...(query.initialEvents ? { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" } : {}),
      });
      const scope = openAbortScope(signal, clock);
      try {
        scope.deadline(ANSWER_TIMEOUT_MS, "no answer");
        const response = await request(path, scope, context);
        scope.clearDeadline();
        onBytes();
        if (response.body === null) return;
        yield* readWatchStream(response.body, { context, signal: scope.signal, onBytes, read });
      } catch (error) {
        throw explain(error, context, signal);
      } finally {
        scope.close();
      }
    },

    async get(path, signal, collection) {
      const context = contextOf("get", collection);
      try {
        return parseJson(decode(await getBytes(path, signal, context)));
      } catch (error) {
        throw explain(error, context, signal);
      }
    },
  };
}
