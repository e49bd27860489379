import type { Endpoint } from "../../discovery/types.ts";
import type { HeaderFields } from "../../http/header-fields.ts";
import type { IncomingRequest } from "../../http/request.ts";
import type { AccessLogEntry } from "../access-log-entry.ts";

/** What is traced, and where spans are sent. */
export interface TracingOptions {
  /** `http` or `https` URL of an OTLP endpoint. */
  readonly otlp_endpoint: string;
  /** The share of requests that begin a trace, 0 to 1. */
  readonly sample: number;
  /** Sent with every export. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What became of the spans that were recorded. */
export interface SpanCounts {
  /** The collector took them. */
  readonly exported: number;
  /** There were too many at once, or the collector could not be reached until the end. */
  readonly dropped: number;
  /** The collector refused them. */
  readonly refused: number;
}

/** The traces of a gateway. Without `tracing` in the config there is none, and nothing of this is called. */
export interface Tracing {
  /** Begins the span of a request that was taken up: within the client's trace where it sent one (`traceparent`). */
  begin(facts: IncomingRequest): RequestTrace;
  counts(): SpanCounts;
  /** Sends what waits, as long as that takes no more than a few seconds. Never rejects. */
  stop(): Promise<void>;
}

/** One request's part of a trace. */
export interface RequestTrace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** A route took it: its path as a template, for `http.route`. */
  matched(template: string): void;
  /** Begins the span of an attempt that is about to leave, and puts the trace's context into its headers. */
  attempt(attempt: Attempt): AttemptTrace;
  /** The answer leaves, or a WebSocket is over. */
  end(entry: AccessLogEntry, status: number): void;
}

/** A request on its way to a pod. */
export interface Attempt {
  readonly method: string;
  readonly url: string;
  readonly endpoint: Endpoint;
  /** The first one is 1. */
  readonly number: number;
  readonly headers: HeaderFields;
}

/** An attempt's part of a trace: one of the two is called, once. */
export interface AttemptTrace {
  answered(status: number): void;
  /** `why`: a word for the kind of failure. */
  failed(why: string): void;
}
