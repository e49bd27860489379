import { type Context, createTraceState, ROOT_CONTEXT, type SpanContext, trace } from "@opentelemetry/api";
import { parseTraceParent } from "@opentelemetry/core";

/** The context that a client sent (W3C Trace Context, `traceparent` and `tracestate`); without a valid one the root's. */
export function contextOf(headers: Headers): Context {
  const parent = headers.get("traceparent");
  const context = parent === null ? null : parseTraceParent(parent.trim());
  if (context === null) return ROOT_CONTEXT;
  const state = headers.get("tracestate");
  const remote: SpanContext = {
    ...context,
    isRemote: true,
    ...(state === null ? {} : { traceState: createTraceState(state) }),
  };
  return trace.setSpanContext(ROOT_CONTEXT, remote);
}

/** The `traceparent` of what is done within a span. The state goes on as it came. */
export const traceParent = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
