import type { Clock } from "../../base/clock.ts";
import type { Fetch } from "../../platform/fetch.ts";
import { rejectedByJson, spansToJson } from "./otlp-json.ts";
import { rejectedByProtobuf, toProtobuf } from "./otlp-protobuf.ts";
import type { Span, SpanOrigin } from "./span.ts";

/** What became of a batch. `rejected`: spans that the collector refused. `after`: milliseconds it asked to wait. */
export type Delivery =
  | { readonly kind: "taken"; readonly rejected: number }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string; readonly after: number };

/** Sends a batch. Never rejects. */
export type SendSpans = (spans: readonly Span[], signal: AbortSignal) => Promise<Delivery>;

/** How long the collector may take, milliseconds (OTLP exporters' default). */
const TIMEOUT_MS = 10_000;

/** Answers after which the same batch may be sent again (OTLP specification: OTLP/HTTP response, failures). */
const RETRYABLE = new Set([429, 502, 503, 504]);

const TRACES = "/v1/traces";

/** Where spans go: `/v1/traces` below the endpoint, unless the endpoint says so itself. */
export function tracesUrl(endpoint: string): string {
  const url = new URL(endpoint);
  const path = url.pathname.replace(/\/+$/, "");
  url.pathname = path.endsWith(TRACES) ? path : path + TRACES;
  return url.href;
}

const FORMATS = {
  "http/protobuf": { write: toProtobuf, rejected: rejectedByProtobuf, type: "application/x-protobuf" },
  "http/json": { write: spansToJson, rejected: rejectedByJson, type: "application/json" },
} as const;

/** How spans are written. */
export type OtlpProtocol = keyof typeof FORMATS;

/** `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL` or `OTEL_EXPORTER_OTLP_PROTOCOL`; protobuf where they say nothing we know. */
export function protocolOf(env: Readonly<Record<string, string | undefined>>): OtlpProtocol {
  const named = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL;
  return named === "http/json" ? named : "http/protobuf";
}

/** Sends spans by OTLP over HTTP. */
export function createOtlpSend(options: {
  readonly endpoint: string;
  /** Sent with every batch; may hold secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: OtlpProtocol;
  readonly origin: SpanOrigin;
  readonly fetch: Fetch;
  readonly clock: Clock;
}): SendSpans {
  const url = tracesUrl(options.endpoint);
  const { write, rejected, type } = FORMATS[options.protocol];
  const headers = { ...options.headers, "content-type": type };

  function rejectedOf(body: Uint8Array): number {
    try {
      return rejected(body);
    } catch {
      // Collectors answer with nothing, or with what they like: the status has said that they took it.
      return 0;
    }
  }

  return async (spans, signal) => {
    const late = new AbortController();
    const cancel = options.clock.after(TIMEOUT_MS, () => late.abort(new Error("no answer within 10 s")));
    try {
      const answer = await options.fetch(url, {
        method: "POST",
        headers,
        body: write(spans, options.origin),
        signal: AbortSignal.any([signal, late.signal]),
      });
      const read = new Uint8Array(await answer.arrayBuffer());
      if (answer.ok) return { kind: "taken", rejected: rejectedOf(read) };
      const why = `status ${answer.status}`;
      if (!RETRYABLE.has(answer.status)) return { kind: "refused", why };
      return { kind: "failed", why, after: Number(answer.headers.get("retry-after")) * 1000 || 0 };
    } catch (error) {
      return { kind: "failed", why: error instanceof Error ? error.message : String(error), after: 0 };
    } finally {
      cancel();
    }
  };
}
