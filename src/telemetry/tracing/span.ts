/** What a span is described by; names as in OpenTelemetry's semantic conventions. */
export type Attributes = Record<string, string | number | boolean>;

/** OTLP's numbers for the kinds there are here (opentelemetry-proto, trace/v1/trace.proto). */
export const KIND = { server: 2, client: 3 } as const;

/** Where a span stands in its trace, as a `traceparent` has it. */
export interface SpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  /** W3C trace flags; bit 0: the trace is recorded. */
  readonly flags: number;
}

/** A span of a trace that is recorded. Times are milliseconds since the epoch, with a fraction. */
export interface Span {
  readonly context: SpanContext;
  readonly parent: { readonly spanId: string; readonly remote: boolean } | undefined;
  /** The client's `tracestate`. */
  readonly state: string | undefined;
  name: string;
  readonly kind: (typeof KIND)[keyof typeof KIND];
  readonly start: number;
  end: number;
  readonly attributes: Attributes;
  failed: boolean;
}

/** Whose spans they are. */
export interface SpanOrigin {
  readonly resource: Attributes;
  /** The version of this program, whose name is that of the instrumentation scope. */
  readonly version: string;
}

/** OTLP's `Span.flags`: the trace's, whether it is known that the parent is remote, and whether it is. */
export const flagsOf = ({ context, parent }: Span): number => context.flags | 0x100 | (parent?.remote ? 0x200 : 0);

/** Nanoseconds since the epoch. */
export function nanoseconds(milliseconds: number): bigint {
  const whole = Math.floor(milliseconds);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((milliseconds - whole) * 1e6));
}
