import type { ServicesPage, ServicesQuery } from "../discovery/catalog.ts";
import type { ClusterStatus, Dump, NodesAnswer } from "../discovery/views.ts";
import type { Explained } from "../reports/explain/answer.ts";
import type { ExplainQuery } from "../reports/explain/question.ts";
import type { GatewayEvent } from "../telemetry/events.ts";
import type { GatewayMetrics } from "../telemetry/gateway-metrics.ts";

/** What may be seen of a gateway: reads only, secrets already redacted. */
export interface GatewayView {
  readiness(): {
    ready: boolean;
    /** SIGTERM came: the gateway answers 503 here so that no new work is sent to it. */
    draining: boolean;
    waiting: readonly { id: string; state: string; reason: string | undefined }[];
  };
  status(): readonly ClusterStatus[];
  /** What `/metrics` shows of it. */
  metrics(): GatewayMetrics | Promise<GatewayMetrics>;
  /** APISIX's memory dump. */
  dump(): Dump;
  /** Answers for a reference that does not parse too: `reason` then says what is wrong with it. */
  nodes(service: string, options: { verbose: boolean }): Promise<NodesAnswer>;
  /** A page of the services of all clusters. */
  services(query: ServicesQuery): ServicesPage;
  /** What happened lately, the newest first; at most `limit`. */
  events(limit: number): readonly GatewayEvent[];
  /**
   * What is wrong with a changed config that was refused, so that the one before is still in force; nearly always
   * nothing.
   */
  refusedConfig(): readonly string[];
  /** What becomes of a request. Rejects with an `ExplainQueryError` where the question is not about one. */
  explain(query: ExplainQuery): Promise<Explained>;
  /** Effective routes, defaults filled in. */
  routes(): readonly unknown[];
  /** Effective streams, defaults filled in. */
  streams(): readonly unknown[];
  /** An unforeseen error, for the log. */
  report(error: unknown): void;
}
