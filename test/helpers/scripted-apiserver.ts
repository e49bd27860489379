import type { ApiserverConnection } from "../../src/kubernetes/connection.ts";
import { noCredentials } from "../../src/kubernetes/credentials.ts";
import type { Collection } from "../../src/kubernetes/types.ts";

/** An object as short as a test can write it. */
export interface ObjectSketch {
  name: string;
  namespace?: string;
  resourceVersion?: string;
  [field: string]: unknown;
}

/** A request the server got. */
export interface SeenRequest {
  readonly kind: "list" | "watch" | "other";
  readonly url: URL;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Headers;
}

/** The server's end of a watch. */
export interface WatchHandle {
  readonly request: SeenRequest;
  /** True once the client has gone. */
  readonly closed: boolean;
  event(type: string, object: unknown): void;
  put(type: "ADDED" | "MODIFIED" | "DELETED", object: ObjectSketch): void;
  bookmark(resourceVersion: string): void;
  bytes(data: string | Uint8Array): void;
  /** Ends the stream in order. */
  end(): void;
  /** Loses the connection. */
  fail(error?: Error): void;
}

type Answer = (request: SeenRequest, index: number) => Response | Promise<Response>;

/**
 * An apiserver that does what a test says, answer by answer, at the HTTP edge. For one that behaves by itself there is
 * the demo's.
 */
export interface ScriptedApiserver {
  fetch(input: string, init?: RequestInit): Promise<Response>;
  readonly requests: SeenRequest[];
  readonly lists: SeenRequest[];
  readonly watches: SeenRequest[];
  /** Every watch answered by `stream()`, in order. */
  readonly streams: WatchHandle[];
  /** How a LIST is answered. */
  list: Answer;
  /** How a WATCH is answered. @default opens a stream */
  watch: Answer;
  /** Opens a stream that the test writes. */
  stream(request: SeenRequest): Response;
  /** A connection to it, without TLS or credentials. */
  readonly connection: ApiserverConnection;
}

/** The collection that sketches belong to. */
export const slices: Collection = {
  groupVersion: "apis/discovery.k8s.io/v1",
  resource: "endpointslices",
  listKind: "EndpointSliceList",
};

/** A whole object of a sketch. */
export function objectOf({ name, namespace = "default", resourceVersion, ...rest }: ObjectSketch): unknown {
  return { metadata: { name, namespace, ...(resourceVersion === undefined ? {} : { resourceVersion }) }, ...rest };
}

/** A LIST's answer. */
export function listOf(
  resourceVersion: string,
  items: readonly ObjectSketch[],
  more: { continue?: string; kind?: string } = {},
): Response {
  const metadata = { resourceVersion, ...(more.continue === undefined ? {} : { continue: more.continue }) };
  return Response.json({ kind: more.kind ?? slices.listKind, metadata, items: items.map(objectOf) });
}

/** A Status object's answer. */
export function statusOf(code: number, reason: string, message: string, headers: HeadersInit = {}): Response {
  return Response.json({ kind: "Status", status: "Failure", code, reason, message }, { status: code, headers });
}

const encoder = new TextEncoder();

/** A scripted apiserver. Without a script it lists nothing, at version 1, and opens streams that stay silent. */
export function createScriptedApiserver(): ScriptedApiserver {
  const requests: SeenRequest[] = [];
  const streams: WatchHandle[] = [];
  const signals = new WeakMap<SeenRequest, AbortSignal>();

  const stream = (request: SeenRequest): Response => {
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    let closed = false;
    const body = new ReadableStream<Uint8Array>({
      start: (given) => {
        controller = given;
      },
      cancel: () => {
        closed = true;
      },
    });
    const abort = (): void => handle.fail(signals.get(request)!.reason);
    signals.get(request)?.addEventListener("abort", abort, { once: true });
    const finish = (how: () => void): void => {
      if (closed) return;
      closed = true;
      how();
    };
    const handle: WatchHandle = {
      request,
      get closed() {
        return closed;
      },
      event: (type, object) => handle.bytes(`${JSON.stringify({ type, object })}\n`),
      put: (type, object) => handle.event(type, objectOf(object)),
      bookmark: (resourceVersion) => handle.event("BOOKMARK", { metadata: { resourceVersion } }),
      bytes(data) {
        if (!closed) controller.enqueue(typeof data === "string" ? encoder.encode(data) : data);
      },
      end: () => finish(() => controller.close()),
      fail: (error = new TypeError("ECONNRESET: the connection was lost")) => finish(() => controller.error(error)),
    };
    streams.push(handle);
    return new Response(body, { headers: { "content-type": "application/json" } });
  };

  const server: ScriptedApiserver = {
    requests,
    streams,
    stream,
    get lists() {
      return requests.filter(({ kind }) => kind === "list");
    },
    get watches() {
      return requests.filter(({ kind }) => kind === "watch");
    },
    list: () => listOf("1", []),
    watch: stream,
    async fetch(input, init) {
      init?.signal?.throwIfAborted();
      const url = new URL(input);
      const query = Object.fromEntries(url.searchParams);
      const kind = !/\/(apis?)\//.test(url.pathname) ? "other" : query.watch === "true" ? "watch" : "list";
      const request: SeenRequest = { kind, url, query, headers: new Headers(init?.headers) };
      if (init?.signal) signals.set(request, init.signal);
      const index = requests.filter((seen) => seen.kind === kind).length;
      requests.push(request);
      if (kind === "other") return Response.json({});
      return kind === "list" ? server.list(request, index) : server.watch(request, index);
    },
    get connection() {
      return {
        server: "https://apiserver.test",
        fetch: server.fetch,
        credentials: noCredentials,
        files: [],
        refresh: async () => {},
      };
    },
  };
  return server;
}
