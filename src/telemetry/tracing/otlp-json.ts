import { type Attributes, flagsOf, nanoseconds, type Span, type SpanOrigin } from "./span.ts";

const anyValue = (value: Attributes[string]): object =>
  typeof value === "string"
    ? { stringValue: value }
    : typeof value === "boolean"
      ? { boolValue: value }
      : Number.isInteger(value)
        ? { intValue: value }
        : { doubleValue: value };

const pairsOf = (attributes: Attributes): object[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

const spanOf = (span: Span): object => ({
  ...{ traceId: span.context.traceId, spanId: span.context.spanId, traceState: span.state },
  ...{ parentSpanId: span.parent?.spanId, flags: flagsOf(span) },
  ...{ name: span.name, kind: span.kind },
  startTimeUnixNano: String(nanoseconds(span.start)),
  endTimeUnixNano: String(nanoseconds(span.end)),
  attributes: pairsOf(span.attributes),
  status: span.failed ? { code: 2 } : {},
});

/** An `ExportTraceServiceRequest` in JSON (OTLP specification: JSON Protobuf Encoding). */
export function spansToJson(spans: readonly Span[], { resource, version }: SpanOrigin): Uint8Array<ArrayBuffer> {
  const scopeSpans = [{ scope: { name: "podway", version }, spans: spans.map(spanOf) }];
  const request = { resourceSpans: [{ resource: { attributes: pairsOf(resource) }, scopeSpans }] };
  return new TextEncoder().encode(JSON.stringify(request));
}

/** How many spans the collector did not want, by its answer. Throws where that is no JSON. */
export function rejectedByJson(answer: Uint8Array): number {
  const read = JSON.parse(new TextDecoder().decode(answer)) as { partialSuccess?: { rejectedSpans?: string | number } };
  return Number(read.partialSuccess?.rejectedSpans ?? 0);
}
