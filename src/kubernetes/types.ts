/**
 * The types this folder shares. It knows the Kubernetes API (list-watch, resourceVersion, Status) and nothing of
 * proxying. https://kubernetes.io/docs/reference/using-api/api-concepts/
 */

import type { ListProgress } from "./list-all.ts";
import type { SkippedStatus } from "./skipped-objects.ts";

/** Names an object of a collection. */
export interface ObjectKey {
  readonly namespace: string;
  readonly name: string;
}

/** A list-watch's collection: what to read, where, and through which selectors. */
export interface Collection {
  /** `api/v1` or `apis/GROUP/VERSION`, without slashes around it. */
  readonly groupVersion: string;
  /** Plural, as in URLs: `endpoints`, `endpointslices`, `services`. */
  readonly resource: string;
  /** The list's kind: `EndpointsList`, `EndpointSliceList`; a list of another kind is refused. */
  readonly listKind: string;
  /** undefined: all namespaces (needs a ClusterRole). */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** `metadata` as far as we read it. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Any object of the API. */
export interface KubernetesObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/**
 * What happened, as the receiver has to act on it. List-watch, poll and request mode all feed the same receiver.
 * `T` is what the decoder made of the object: only the fields its user needs.
 */
export type Change<T> =
  /** A complete, successful list: whatever is not in it is gone. */
  | {
      readonly kind: "replace";
      readonly items: readonly T[];
      /** Objects of it that could not be read: what is known of them still holds. */
      readonly unread?: readonly ObjectKey[] | undefined;
    }
  /** One object was added or changed. */
  | { readonly kind: "put"; readonly item: T }
  /** One object is gone, or no longer matches. */
  | { readonly kind: "remove"; readonly namespace: string; readonly name: string };

/** What a cluster's client does now. */
export const CLIENT_STATES = [
  "connecting",
  "syncing",
  "watching",
  "polling",
  "on_request",
  "unreachable",
  "unauthorized",
  "forbidden",
  "rejected",
] as const;
export type ClientState = (typeof CLIENT_STATES)[number];

/** What the outside may see of one reflector or poller. Times are milliseconds since the epoch, undefined: never. */
export interface SourceStatus {
  readonly state: ClientState;
  readonly resourceVersion: string | undefined;
  readonly lastByte: number | undefined;
  readonly lastEvent: number | undefined;
  readonly lastList: number | undefined;
  /** With the missing RBAC rule on a 403; undefined after the next success. Never a secret. */
  readonly lastError: string | undefined;
  /** Objects that could not be read; left out while every one could. */
  readonly skipped?: SkippedStatus | undefined;
  /** How far the list under way is; undefined while there is none, or where it is not known. */
  readonly listing?: ListProgress | undefined;
  /** Full lists by reason: start, gone, error, poll … */
  readonly lists: Readonly<Record<string, number>>;
  /** Watch streams opened. */
  readonly watches: number;
  /** Watch events taken in (bookmarks not counted). */
  readonly events: number;
}

/** Something that keeps a receiver in step with a collection: a reflector (watch) or a poller. */
export interface ChangeSource {
  /** Runs until the signal aborts; never rejects for an error of the apiserver. */
  run(signal: AbortSignal): Promise<void>;
  readonly status: SourceStatus;
}

/** An object as its receiver sees it, read without making a JSON object of it. */
export interface ReadObject<T> {
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  /** undefined: a selector of ours filters it out. */
  readonly item: T | undefined;
  /** Where its JSON ends. */
  readonly end: number;
}

/**
 * Reads the object whose JSON begins at `at`, as the `Decoder` beside it would. undefined: it is not sure, and
 * `JSON.parse` and the decoder decide.
 */
export type ByteReader<T> = (bytes: Uint8Array, at: number) => ReadObject<T> | undefined;

/** Makes of a decoded JSON object what the receiver keeps, or undefined when a selector of ours filters it out. Throws
 *  `InvalidObjectError` for an object that cannot be one (no metadata, a list of another kind). */
export interface Decoder<T> {
  (object: unknown): T | undefined;
  /** A shorter way to the same, for where there are many. */
  readonly fromBytes?: ByteReader<T> | undefined;
}
