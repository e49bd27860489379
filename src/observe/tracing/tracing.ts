import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import { ATTR_ERROR_TYPE, ATTR_HTTP_RESPONSE_STATUS_CODE, ATTR_HTTP_ROUTE } from "@opentelemetry/semantic-conventions";
import type { Clock, Random } from "../../clock.ts";
import type { TracingConfig } from "../../config/schema.ts";
import type { Fetch } from "../../kubernetes/types.ts";
import type { Logger } from "../../log.ts";
import { clientAttributes, methodName, routeTemplate, serverAttributes } from "./attributes.ts";
import { contextOf, traceParent } from "./context.ts";
import { createOtlpSend, protocolOf } from "./otlp.ts";
import { createResource } from "./resource.ts";
import { createSpanQueue } from "./span-queue.ts";
import type { RequestTrace, Tracing } from "./types.ts";

/** What tracing works with. */
export interface TracingParts {
  /** How spans leave: verified, without redirects. */
  readonly fetch: Fetch;
  /** For OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_PROTOCOL. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Spans by OpenTelemetry's SDK and its semantic conventions: one of kind SERVER for a request, one of kind CLIENT for each
 * attempt. Sampled at the head: what the client's trace says holds, traces that begin here are sampled by `sample`.
 */
export function createTracing(config: TracingConfig, parts: TracingParts): Tracing {
  const { clock, random, logger, env, version, fetch } = parts;
  const send = createOtlpSend({
    endpoint: config.otlp_endpoint,
    headers: config.headers,
    protocol: protocolOf(env),
    fetch,
    clock,
  });
  const queue = createSpanQueue({ send, clock, random, logger });
  const provider = new TracerProvider({
    resource: createResource(env, version),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.sample) }),
    spanProcessors: [queue],
  });
  const tracer = provider.getTracer("podway", version);

  function begin(facts: Parameters<Tracing["begin"]>[0]): RequestTrace {
    const parent = contextOf(facts.headers);
    const name = methodName(facts.method);
    const from = performance.now();
    // Whole milliseconds, moved on by the finer clock: an attempt never seems to end after its request.
    const now = (): number => facts.started + performance.now() - from;
    const span = tracer.startSpan(
      name,
      { kind: SpanKind.SERVER, attributes: serverAttributes(facts), startTime: facts.started },
      parent,
    );
    const context = trace.setSpan(parent, span);
    return {
      traceId: span.spanContext().traceId,
      matched({ path }) {
        if (!span.isRecording()) return;
        const template = routeTemplate(path);
        span.updateName(`${name} ${template}`).setAttribute(ATTR_HTTP_ROUTE, template);
      },
      attempt(attempt) {
        const own = tracer.startSpan(
          methodName(attempt.method),
          { kind: SpanKind.CLIENT, attributes: clientAttributes(attempt), startTime: now() },
          context,
        );
        attempt.headers.set("traceparent", traceParent(own.spanContext()));
        // A state without a valid parent belongs to no trace (W3C Trace Context, section 3.3).
        if (parent === ROOT_CONTEXT) attempt.headers.delete("tracestate");
        return {
          answered(status) {
            own.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, status);
            if (status >= 400) {
              own.setAttribute(ATTR_ERROR_TYPE, String(status)).setStatus({ code: SpanStatusCode.ERROR });
            }
            own.end(now());
          },
          failed(why) {
            own.setAttribute(ATTR_ERROR_TYPE, why).setStatus({ code: SpanStatusCode.ERROR }).end(now());
          },
        };
      },
      end({ route, service, cluster, tries, error }, status) {
        const failed = status >= 500;
        span.setAttributes({
          [ATTR_HTTP_RESPONSE_STATUS_CODE]: status,
          "podway.attempts": tries,
          ...(route !== undefined && { "podway.route": route }),
          ...(service !== undefined && { "podway.service": service }),
          ...(cluster && { "podway.cluster": cluster }),
          ...((failed || error !== undefined) && { [ATTR_ERROR_TYPE]: error ?? String(status) }),
        });
        if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end(now());
      },
    };
  }

  return { begin, counts: queue.counts, stop: queue.stop };
}
