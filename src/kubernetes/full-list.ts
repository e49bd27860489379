import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError, type ApiErrorCode, describeCollection } from "./errors.ts";
import { type FullList, type ListProgress, listAll } from "./list-all.ts";
import { NoStreamedListError, streamAll } from "./stream-list.ts";
import type { Collection, Decoder } from "./types.ts";

/** How lists are made. */
export interface FullListOptions<T> {
  readonly api: ApiClient;
  readonly decode: Decoder<T>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A part of it came; a stream does not tell how far it is. */
  readonly onPart: (progress?: ListProgress) => void;
}

/** Which list. */
export interface FullListQuery {
  readonly collection: Collection;
  /** The answer must not be older than this version; undefined: the most recent state. */
  readonly notOlderThan: string | undefined;
  /** True: there was one before, which is used until this one is complete. */
  readonly again: boolean;
}

/** Lists all of a collection; all or nothing. */
export type FullLister<T> = (query: FullListQuery, signal: AbortSignal) => Promise<FullList<T>>;

/** The first minor version of Kubernetes 1 that offers lists as streams unasked. */
const STREAMING_MINOR = 32;

/** Answers that are about the stream and not about the server's health, and whether they will be the same next time. */
const NO_STREAM: Partial<Record<ApiErrorCode, "always" | "now">> = {
  rejected: "always",
  forbidden: "always",
  garbage: "now",
};

function withoutStream(error: unknown): "always" | "now" | undefined {
  if (error instanceof NoStreamedListError) return error.lasting ? "always" : "now";
  return error instanceof ApiError ? NO_STREAM[error.code] : undefined;
}

/**
 * Makes first lists by pages, and later ones as streams where the server is of a version that offers them.
 *
 * A stream comes out of the apiserver's memory, where pages cost it reads of etcd: that counts when an apiserver
 * restarts or forgets its history, and all clients list again at once. A stream takes two thirds of the time of pages.
 * At a start it gains little (a tenth), and pages work wherever anything does: through proxies that hold streams back,
 * and with servers that ignore the parameter. By the second list it is known what else works, and no request waits.
 *
 * What cannot be had as a stream is listed by pages at once, and from then on where that will not change. An apiserver
 * in trouble is given the pause its answer asks for; then pages are tried.
 */
export function createFullLister<T>(options: FullListOptions<T>): FullLister<T> {
  const { api, decode, clock, logger, onPart } = options;
  let streams: boolean | undefined;
  /** The last stream failed, perhaps of something that pages do not meet: the next list is by pages. */
  let pagesNext = false;

  /** Whether to ask for a stream. A server that does not tell its version is asked again the next time. */
  const offered = async (signal: AbortSignal): Promise<boolean> => {
    if (streams !== undefined) return streams;
    try {
      const { major, minor } = ((await api.get("/version", signal)) ?? {}) as Record<string, unknown>;
      // Some vendors write `32+`.
      if (typeof minor === "string") streams = major === "1" && Number.parseInt(minor, 10) >= STREAMING_MINOR;
    } catch {
      signal.throwIfAborted();
    }
    return streams === true;
  };

  return async ({ collection, notOlderThan, again }, signal) => {
    const byPages = (): Promise<FullList<T>> =>
      listAll({ api, collection, decode, notOlderThan, onPage: onPart }, signal);
    if (!again || pagesNext || !(await offered(signal))) {
      const full = await byPages();
      pagesNext = false;
      return full;
    }
    try {
      return await streamAll({ api, collection, decode, clock, notOlderThan, onBytes: () => onPart() }, signal);
    } catch (error) {
      const without = withoutStream(error);
      if (without === undefined) {
        pagesNext = true;
        throw error;
      }
      if (without === "always") streams = false;
      logger.log("info", `kubernetes: listing by pages: ${(error as Error).message}`, {
        reading: describeCollection(collection),
      });
      return byPages();
    }
  };
}
