import type { Clock } from "../../../src/base/clock.ts";
import type { EmbeddedApiserver, StoredObject } from "../../../src/demo/apiserver.ts";
import type { Fetch } from "../../../src/platform/fetch.ts";

/** What becomes of requests made from now on. */
export type Reach =
  | { readonly kind: "open" }
  /** The connection is refused. */
  | { readonly kind: "refuse" }
  /** Nothing ever comes back. */
  | { readonly kind: "black_hole" };

/** What becomes of the bytes of answers, of open ones and of later ones. */
export type Flow =
  | { readonly kind: "plain" }
  /** Each chunk comes that much later. */
  | { readonly kind: "delay"; readonly ms: number }
  /** So many bytes at a time, that many milliseconds apart. */
  | { readonly kind: "throttle"; readonly bytes: number; readonly ms: number }
  /** The same bytes, cut elsewhere. */
  | { readonly kind: "rechunk"; readonly bytes: number }
  /** Of the chunks that came at one time, the last so many come twice. */
  | { readonly kind: "duplicate"; readonly chunks: number };

/** The line between a gateway and its apiserver, in memory: what a TCP proxy can do to it, without sockets. */
export interface Wire {
  readonly fetch: Fetch;
  reach: Reach;
  flow: Flow;
  /** All open answers are lost: their readers get an error. */
  cut(): void;
  /** All open answers fall silent for good, and their readers are not told: half-open connections. */
  stall(): void;
  /**
   * From now on the gateway talks to another apiserver, whose cache stands still so many changes ago: lists that may be
   * older are answered from it, what must be newer is refused (504), watches get nothing newer.
   */
  lag(behind: number): void;
  /** The next chunk of every open watch is damaged: the event in it is lost. */
  mangle(): void;
  /** That cache is in step again. */
  catchUp(): void;
  /** Answers that are being read. */
  readonly open: number;
}

const lost = (): TypeError => new TypeError("ECONNRESET: the connection was lost");
const never = (signal: AbortSignal | null | undefined): Promise<never> =>
  new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

interface OpenAnswer {
  readonly watched: boolean;
  /** The next chunk is damaged on its way. */
  mangled: boolean;
  fate: "flows" | "stalled" | "cut";
  wake: () => void;
}

const tooLarge = (wanted: string, current: string): Response =>
  Response.json(
    {
      kind: "Status",
      status: "Failure",
      code: 504,
      reason: "Timeout",
      message: `Too large resource version: ${wanted}, current: ${current}`,
      details: {
        causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
        retryAfterSeconds: 1,
      },
    },
    { status: 504, headers: { "retry-after": "1" } },
  );

/** The objects of a moment. */
interface Cache {
  readonly version: number;
  readonly objects: Readonly<Record<string, readonly StoredObject[]>>;
}

const KINDS = { endpoints: "Endpoints", endpointslices: "EndpointSlice" } as const;

/** A list out of a cache, which does not page. It knows the selectors the laboratory's configurations use. */
function listFrom(cache: Cache, url: URL): Response {
  const [, namespace, resource = ""] =
    /(?:\/namespaces\/([^/]+))?\/(endpoints|endpointslices)$/.exec(url.pathname) ?? [];
  const label = url.searchParams.get("labelSelector")?.split("=");
  const without = url.searchParams.get("fieldSelector")?.replace("metadata.namespace!=", "");
  const items = cache.objects[resource]!.filter(
    ({ metadata }) =>
      (namespace === undefined || metadata.namespace === namespace) &&
      (label === undefined || metadata.labels?.[label[0]!] === label[1]) &&
      metadata.namespace !== without,
  );
  return Response.json({
    kind: `${KINDS[resource as keyof typeof KINDS]}List`,
    metadata: { resourceVersion: String(cache.version) },
    items,
  });
}

/** So many moments are remembered for caches that lag. */
const MOMENTS = 12;

const VERSION = /"resourceVersion":"([0-9]+)"/;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Lays a wire to an apiserver. `onChunk` is called before and after each chunk that a reader gets. */
export function layWire(options: {
  readonly api: EmbeddedApiserver;
  readonly clock: Clock;
  readonly onChunk: () => void;
}): Wire {
  const { api, clock, onChunk } = options;
  const answers = new Set<OpenAnswer>();
  const moments: Cache[] = [];
  let cache: (Cache & { readonly wake: (() => void)[] }) | undefined;

  const remember = (): void => {
    const objects = { endpoints: api.list("Endpoints"), endpointslices: api.list("EndpointSlice") };
    moments.push({ version: Number(api.resourceVersion), objects });
    if (moments.length > MOMENTS) moments.shift();
  };
  remember();
  api.onChange(remember);

  /** Asks the lagging apiserver: answers what its cache would, passes on what a cache does not know. */
  const throughCache = (input: string): string | Response => {
    if (cache === undefined) return input;
    const url = new URL(input);
    const { searchParams: query } = url;
    const wanted = query.get("resourceVersion");
    if (query.has("watch") || query.has("continue") || wanted === null || wanted === "") return input;
    if (Number(wanted) > cache.version) return tooLarge(wanted, String(cache.version));
    return listFrom(cache, url);
  };

  /** Holds a watch's events back while the cache is older than they are. */
  const caughtUp = async (chunk: Uint8Array, answer: OpenAnswer): Promise<void> => {
    const version = Number(VERSION.exec(decoder.decode(chunk))?.[1] ?? 0);
    while (cache !== undefined && version > cache.version && answer.fate === "flows") {
      await new Promise<void>((resolve) => {
        cache!.wake.push(resolve);
        answer.wake = resolve;
      });
    }
  };

  const wire: Wire = {
    reach: { kind: "open" },
    flow: { kind: "plain" },
    async fetch(input, init) {
      const signal = init?.signal;
      signal?.throwIfAborted();
      if (wire.reach.kind === "refuse") throw new TypeError("ECONNREFUSED: connection refused");
      if (wire.reach.kind === "black_hole") return never(signal);
      const asked = throughCache(input);
      const response = typeof asked === "string" ? await api.fetch(asked, init) : asked;
      if (response.body === null) return response;
      const watched = new URL(input).searchParams.get("watch") === "true";
      return new Response(carry(response.body, signal, watched), {
        status: response.status,
        headers: response.headers,
      });
    },
    cut() {
      for (const answer of answers) {
        answer.fate = "cut";
        answer.wake();
      }
    },
    stall() {
      for (const answer of answers) answer.fate = "stalled";
    },
    lag(behind) {
      cache ??= { ...moments[Math.max(0, moments.length - 1 - behind)]!, wake: [] };
    },
    mangle() {
      for (const answer of answers) answer.mangled = answer.watched;
    },
    catchUp() {
      const waiting = cache?.wake ?? [];
      cache = undefined;
      for (const wake of waiting) wake();
    },
    get open() {
      return answers.size;
    },
  };

  const carry = (
    body: ReadableStream<Uint8Array>,
    signal: AbortSignal | null | undefined,
    watched: boolean,
  ): ReadableStream<Uint8Array> => {
    const reader = body.getReader();
    const answer: OpenAnswer = { watched, mangled: false, fate: "flows", wake: () => {} };
    answers.add(answer);
    const recent: Uint8Array[] = [];
    const queue: Uint8Array[] = [];
    let ended = false;
    let reading: Promise<void> | undefined;
    const close = (): void => {
      ended = true;
      answers.delete(answer);
      reader.cancel().catch(() => {});
      answer.wake();
    };
    const aborted = (): void => {
      answer.fate = "cut";
      close();
    };
    signal?.addEventListener("abort", aborted, { once: true });
    // It may have come while the apiserver thought: then nobody will ever read this.
    if (signal?.aborted) aborted();

    /** Takes one chunk of the apiserver's into the queue, as the flow of this moment has it. */
    const take = async (): Promise<void> => {
      const { done, value } = await reader.read();
      if (done) {
        ended = true;
        return;
      }
      const { flow } = wire;
      if (answer.mangled) {
        answer.mangled = false;
        value[0] = 0x5b;
      }
      if (watched) await caughtUp(value, answer);
      if (flow.kind === "delay") await clock.sleep(flow.ms);
      recent.push(value);
      if (recent.length > 3) recent.shift();
      if (flow.kind === "throttle" || flow.kind === "rechunk") {
        for (let at = 0; at < value.length; at += flow.bytes) queue.push(value.slice(at, at + flow.bytes));
      } else queue.push(value);
      if (flow.kind === "duplicate" && recent.length >= flow.chunks) queue.push(...recent.slice(-flow.chunks));
    };

    return new ReadableStream<Uint8Array>(
      {
        async pull(out) {
          for (;;) {
            if (answer.fate === "cut") {
              close();
              out.error(signal?.aborted ? signal.reason : lost());
              return;
            }
            const next = answer.fate === "stalled" ? undefined : queue.shift();
            if (next !== undefined) {
              if (wire.flow.kind === "throttle") await clock.sleep(wire.flow.ms);
              onChunk();
              out.enqueue(next);
              queueMicrotask(onChunk);
              return;
            }
            if (ended && answer.fate === "flows" && reading === undefined) {
              answers.delete(answer);
              signal?.removeEventListener("abort", aborted);
              out.close();
              return;
            }
            const woken = new Promise<void>((resolve) => {
              answer.wake = resolve;
            });
            if (answer.fate === "flows" && !ended) {
              reading ??= take()
                .catch(() => {
                  answer.fate = answer.fate === "stalled" ? "stalled" : "cut";
                })
                .finally(() => {
                  reading = undefined;
                });
              await Promise.race([reading, woken]);
            } else if (answer.fate === "flows" && reading !== undefined) await Promise.race([reading, woken]);
            else await woken;
          }
        },
        cancel() {
          answer.fate = "cut";
          close();
        },
      },
      { highWaterMark: 0 },
    );
  };
  return wire;
}

/** Bytes of a text. */
export const bytesOf = (text: string): Uint8Array => encoder.encode(text);
