import type { Clock, Random } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";

/** `metadata` as the embedded apiserver keeps it: every field it sets itself is always there. */
export interface StoredMeta {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  generation?: number;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  managedFields?: unknown[];
  [field: string]: unknown;
}

/** An object as it is stored and served. Never changed in place: a write stores another one. */
export interface StoredObject {
  kind: string;
  apiVersion: string;
  metadata: StoredMeta;
  [field: string]: unknown;
}

/** What callers hand over: any JSON object; what is wrong with it is said by a Status. */
export type Json = Record<string, unknown>;

/** The verbs of RBAC, as the apiserver derives them from a request. */
export type ApiVerb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

/** What may be changed while the server runs; each request reads the value of its moment. */
export interface ApiserverSettings {
  /**
   * Bearer token (or a list of them, while one is rotated) a request must carry; else 401. undefined: everybody may.
   */
  requireToken: string | readonly string[] | undefined;
  /**
   * RBAC in one question; false is a 403. `namespace` is undefined at cluster scope. undefined: everything is allowed.
   */
  authorize: ((verb: ApiVerb, resource: string, namespace: string | undefined) => boolean) | undefined;
  /** The user a 403 names. @default "system:serviceaccount:default:podway" */
  user: string;
  /** Versions of `discovery.k8s.io` that are served: `["v1beta1"]` plays a server before 1.21. @default ["v1"] */
  sliceVersions: readonly ("v1" | "v1beta1")[];
  /**
   * `sendInitialEvents` on watches: `on` streams the list and then the bookmark that ends it; `ignored` is a server
   * before 1.27, which does not know the parameter; `refused` is 1.27-1.31 with the feature off (422). @default "on"
   */
  sendInitialEvents: "on" | "ignored" | "refused";
  /**
   * How a watch from before the kept history ends: as an ERROR event in a 200 stream, or as HTTP 410. @default "event"
   */
  gone: "event" | "status";
  /** Refuses loopback addresses in Endpoints and EndpointSlices, as every real apiserver does. @default false */
  refuseLoopback: boolean;
  /**
   * Answers of at least this many bytes are compressed for clients that accept gzip. @default 131072, as the apiserver
   */
  gzipBytes: number;
  /** A list with a `limit` never has more items than this on one page. @default Infinity */
  maxPage: number;
  /** Milliseconds between the bookmarks of a watch that asked for them. @default 60000, about the apiserver's minute */
  bookmarkInterval: number;
}

/** What the embedded apiserver needs of the world, and how it starts. */
export interface ApiserverOptions extends Partial<ApiserverSettings> {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger?: Logger | undefined;
  /** Changes kept for watches and old versions; what is older is answered with 410. @default 10000 */
  readonly history?: number | undefined;
  /** Stands between a request and its answer: what tests let go wrong. */
  readonly intercept?:
    | ((request: LoggedRequest, signal: AbortSignal, answer: () => Promise<Response>) => Promise<Response>)
    | undefined;
}

/** One request the server saw, for counting. */
export interface LoggedRequest {
  /** Milliseconds of the server's clock. */
  readonly time: number;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** undefined: not a request for a resource (discovery, version, health). */
  readonly verb: ApiVerb | undefined;
  readonly resource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** Of a list: 1 for a request without `continue`, 2 for its next one … ; 0 for everything else. */
  readonly page: number;
  readonly headers: Headers;
}

/** A watch that a client holds open, and what a test may do to it. */
export interface OpenWatch {
  readonly request: LoggedRequest;
  /** Says nothing more, and does not end either: a half-open connection. */
  freeze(): void;
  /** Ends cleanly, as at `timeoutSeconds`. */
  end(): void;
  /** Ends as a lost connection: the reader's next read fails. */
  break(): void;
  /** Puts text or bytes into the stream as they are. */
  write(data: string | Uint8Array): void;
  /** Sends an ERROR event with this Status (default: 410 Expired) and ends, as the apiserver does. */
  error(status?: Json): void;
  /** Sends a bookmark now. */
  bookmark(): void;
}

/** An in-memory apiserver of the real protocol: the demo's cluster, and what tests of clients talk to. */
export interface EmbeddedApiserver {
  /**
   * Answers a request. With a `Request` it is what a server mounts: the answer as it goes over the wire. With a URL (or
   * a path) and an init it behaves as the `fetch` of a client: encoded bodies are decoded. Both honour the signal; a
   * dropped connection rejects with a TypeError.
   */
  fetch(input: Request | string, init?: RequestInit): Promise<Response>;
  readonly settings: ApiserverSettings;
  /**
   * Creates or replaces objects (one, a list, a `List`, or YAML documents) as an admin with all rights would, status
   * included; missing namespaces are made. Nothing changes, and no event is sent, where an object is the same as
   * before. Throws the Status error that HTTP would answer.
   */
  apply(input: object | readonly object[] | string): StoredObject[];
  /**
   * Deletes by kind (`Endpoints`) or plural (`endpoints`); false when there was none. `namespace` "" at cluster scope.
   */
  remove(kind: string, namespace: string, name: string): boolean;
  get(kind: string, namespace: string, name: string): StoredObject | undefined;
  /** All of a kind, sorted by namespace, then name. */
  list(kind: string, namespace?: string): StoredObject[];
  /** Forgets all changes up to now (or but the last `keep`): older versions are answered with 410 from here on. */
  compact(keep?: number): void;
  /** The version of the newest change. */
  readonly resourceVersion: string;
  /** The last 20000 requests, oldest first; emptied by setting its length to 0. */
  readonly requests: LoggedRequest[];
  readonly openWatches: readonly OpenWatch[];
  /**
   * Calls `fn` after each change, with the object as it was stored (or last was). Returns the function that stops it.
   */
  onChange(fn: (type: "ADDED" | "MODIFIED" | "DELETED", object: StoredObject) => void): () => void;
  /** Ends all watches; every later request is dropped. */
  close(): void;
}
