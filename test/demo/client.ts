import type { EmbeddedApiserver, StoredObject } from "../../src/demo/apiserver.ts";

/** An event as a client reads it. */
export interface WatchEvent {
  readonly type: string;
  readonly object: StoredObject & { readonly code?: number; readonly message?: string };
}

/** A list as a client reads it. */
export interface ListAnswer {
  readonly kind: string;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly StoredObject[];
}

/** A Status as a client reads it. */
export interface StatusAnswer {
  readonly kind: string;
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly metadata: { readonly continue?: string };
  readonly details?: {
    readonly causes?: readonly { readonly reason: string; readonly message: string; readonly field?: string }[];
  };
}

/** GETs JSON with a query. */
export async function get<T = ListAnswer>(
  api: EmbeddedApiserver,
  path: string,
  query: Record<string, string> = {},
): Promise<T> {
  return (await (await api.fetch(`${path}?${new URLSearchParams(query)}`)).json()) as T;
}

/** Sends a body as JSON. */
export async function send<T = StoredObject>(
  api: EmbeddedApiserver,
  method: string,
  path: string,
  body?: unknown,
  type = "application/json",
): Promise<{ status: number; body: T }> {
  const init = { method, headers: { "content-type": type } };
  const answer = await api.fetch(path, body === undefined ? init : { ...init, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as T };
}

/** An open watch: its events one by one; undefined at its clean end. */
export interface Watching {
  readonly status: number;
  next(): Promise<WatchEvent | undefined>;
  /** The next `count` events, as `TYPE name`. */
  names(count: number): Promise<string[]>;
  stop(): void;
}

/** Opens a watch. */
export async function watch(
  api: EmbeddedApiserver,
  path: string,
  query: Record<string, string> = {},
): Promise<Watching> {
  const stopped = new AbortController();
  const answer = await api.fetch(`${path}?${new URLSearchParams({ watch: "1", ...query })}`, {
    signal: stopped.signal,
  });
  const reader = answer.body!.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let text = "";
  const next = async (): Promise<WatchEvent | undefined> => {
    for (;;) {
      const end = text.indexOf("\n");
      if (end >= 0) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        return JSON.parse(line) as WatchEvent;
      }
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += value;
    }
  };
  return {
    status: answer.status,
    next,
    async names(count) {
      const found: string[] = [];
      while (found.length < count) {
        const event = await next();
        if (!event) break;
        found.push(`${event.type} ${event.object.metadata?.name}`);
      }
      return found;
    },
    stop: () => stopped.abort(new DOMException("stopped", "AbortError")),
  };
}

/** A ConfigMap: the simplest object there is. */
export const configMap = (name: string, labels?: Record<string, string>, namespace = "default"): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace, ...(labels && { labels }) },
});

/** A Pod that says it runs. */
export const pod = (name: string, namespace = "default"): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "web:1" }] },
  status: { phase: "Running", podIP: "10.0.0.1" },
});
