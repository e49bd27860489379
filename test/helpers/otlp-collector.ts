/** A span as OTLP's JSON has it (opentelemetry-proto, trace/v1/trace.proto), its attributes by name. */
export interface CollectedSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly traceState: string | undefined;
  /** 2 is an error; 0 is not set. */
  readonly status: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  /** Nanoseconds. */
  readonly start: bigint;
  readonly end: bigint;
}

/** OTLP's numbers for kinds of spans. */
export const KIND = { server: 2, client: 3 } as const;

/** A receiver of OTLP over HTTP. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly spans: readonly CollectedSpan[];
  /** What came, one for each request. */
  readonly requests: readonly { readonly path: string; readonly headers: Headers; readonly body: Uint8Array }[];
  /** How it answers. @default 200 and an empty object */
  answer: () => Response;
}

interface Value {
  stringValue?: string;
  intValue?: number | string;
  doubleValue?: number;
  boolValue?: boolean;
}

const attributesOf = (pairs: readonly { key: string; value: Value }[]): Record<string, unknown> =>
  Object.fromEntries(
    pairs.map(({ key, value }) => [
      key,
      value.intValue === undefined
        ? (value.stringValue ?? value.doubleValue ?? value.boolValue)
        : Number(value.intValue),
    ]),
  );

/** The spans of one request in JSON. */
// biome-ignore lint/suspicious/noExplicitAny: a payload that is taken apart field by field
const spansOf = (payload: any): CollectedSpan[] =>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  payload.resourceSpans.flatMap(({ resource, scopeSpans }: any) =>
    // biome-ignore lint/suspicious/noExplicitAny: as above
    scopeSpans.flatMap(({ spans }: any) =>
      // biome-ignore lint/suspicious/noExplicitAny: as above
      spans.map((span: any) => ({
        name: span.name,
        kind: span.kind,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        traceState: span.traceState,
        status: span.status?.code ?? 0,
        attributes: attributesOf(span.attributes),
        resource: attributesOf(resource.attributes),
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
      })),
    ),
  );

/** Listens on loopback, on `port` where one is given. It takes spans apart where they come as JSON. */
export function startCollector(port = 0): Collector {
  const spans: CollectedSpan[] = [];
  const requests: { path: string; headers: Headers; body: Uint8Array }[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    async fetch(request) {
      const body = new Uint8Array(await request.arrayBuffer());
      requests.push({ path: new URL(request.url).pathname, headers: request.headers, body });
      const answer = collector.answer();
      const isJson = request.headers.get("content-type") === "application/json";
      if (answer.ok && isJson) spans.push(...spansOf(JSON.parse(new TextDecoder().decode(body))));
      return answer;
    },
  });
  const collector: Collector = {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port!,
    spans,
    requests,
    answer: () => Response.json({}),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
  return collector;
}
