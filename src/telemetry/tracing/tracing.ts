import type { Clock, Random } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Fetch } from "../../platform/fetch.ts";
import { clientAttributes, methodName, serverAttributes } from "./attributes.ts";
import { flagsFor, isSampled, newId, parseTraceParent, traceParent } from "./context.ts";
import { createOtlpSend, protocolOf } from "./otlp.ts";
import { createResource } from "./resource.ts";
import { type Attributes, KIND, type Span, type SpanContext } from "./span.ts";
import { createSpanQueue } from "./span-queue.ts";
import type { RequestTrace, Tracing, TracingOptions } from "./types.ts";

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

/** A span under way: it is described only where its trace is recorded. */
interface OpenSpan {
  readonly context: SpanContext;
  /** Undefined: its trace is not recorded. */
  readonly recorded: Span | undefined;
}

/**
 * Spans as OpenTelemetry's semantic conventions have them: one of kind SERVER for a request, one of kind CLIENT for
 * each attempt. Sampled at the head: what the client's trace says holds, traces that begin here are sampled by
 * `sample`.
 */
export function createTracing(config: TracingOptions, parts: TracingParts): Tracing {
  const { clock, random, logger, env, version, fetch } = parts;
  const send = createOtlpSend({
    endpoint: config.otlp_endpoint,
    headers: config.headers,
    protocol: protocolOf(env),
    origin: { resource: createResource(env, version), version },
    fetch,
    clock,
  });
  const queue = createSpanQueue({ send, clock, random, logger });

  /** `attributes` are made only for a trace that is recorded. */
  function open(
    span: Pick<Span, "name" | "kind" | "start" | "state" | "parent"> & { readonly trace: Omit<SpanContext, "spanId"> },
    attributes: () => Attributes,
  ): OpenSpan {
    const { name, kind, start, state, parent, trace } = span;
    const context = { traceId: trace.traceId, spanId: newId(16, random), flags: trace.flags };
    if (!isSampled(context)) return { context, recorded: undefined };
    const recorded = { context, parent, state, name, kind, start, end: start, attributes: attributes(), failed: false };
    return { context, recorded };
  }

  function close(span: Span, end: number): void {
    span.end = end;
    queue.add(span);
  }

  function begin(facts: Parameters<Tracing["begin"]>[0]): RequestTrace {
    const { headers, method, started } = facts;
    const client = parseTraceParent(headers.get("traceparent"));
    // A state without a valid parent belongs to no trace (W3C Trace Context, section 3.3).
    const state = client === undefined ? undefined : (headers.get("tracestate") ?? undefined);
    const traceId = client?.traceId ?? newId(32, random);
    const trace = { traceId, flags: client?.flags ?? flagsFor(traceId, config.sample) };
    const name = methodName(method);
    const from = performance.now();
    // Whole milliseconds, moved on by the finer clock: an attempt never seems to end after its request.
    const now = (): number => started + performance.now() - from;
    const parent = client && { spanId: client.spanId, remote: true };
    const { context, recorded } = open({ name, kind: KIND.server, start: started, state, parent, trace }, () =>
      serverAttributes(facts),
    );
    return {
      traceId,
      matched(template) {
        if (recorded === undefined) return;
        recorded.name = `${name} ${template}`;
        recorded.attributes["http.route"] = template;
      },
      attempt(attempt) {
        const own = open(
          {
            ...{ name: methodName(attempt.method), kind: KIND.client, start: now(), state, trace },
            parent: { spanId: context.spanId, remote: false },
          },
          () => clientAttributes(attempt),
        );
        attempt.headers.set("traceparent", traceParent(own.context));
        if (client === undefined) attempt.headers.delete("tracestate");
        const end = (status: number | undefined, fault: string | undefined): void => {
          const { recorded } = own;
          if (recorded === undefined) return;
          if (status !== undefined) recorded.attributes["http.response.status_code"] = status;
          if (fault !== undefined) {
            recorded.attributes["error.type"] = fault;
            recorded.failed = true;
          }
          close(recorded, now());
        };
        return {
          answered: (status) => end(status, status >= 400 ? String(status) : undefined),
          failed: (why) => end(undefined, why),
        };
      },
      end({ route, service, cluster, tries, error }, status) {
        if (recorded === undefined) return;
        recorded.failed = status >= 500;
        Object.assign(recorded.attributes, {
          "http.response.status_code": status,
          "podway.attempts": tries,
          ...(route !== undefined && { "podway.route": route }),
          ...(service !== undefined && { "podway.service": service }),
          ...(cluster && { "podway.cluster": cluster }),
          ...((recorded.failed || error !== undefined) && { "error.type": error ?? String(status) }),
        });
        close(recorded, now());
      },
    };
  }

  return { begin, counts: queue.counts, stop: queue.stop };
}
