import { createHealthSet, type HealthSet } from "../balancing/health/health-set.ts";
import { createRetryBudgets } from "../balancing/retry-budget.ts";
import { createRing } from "../base/ring.ts";
import { redactCluster, redactRoute } from "../config/redact.ts";
import type { Config, RouteConfig } from "../config/schema.ts";
import type { Cluster } from "../discovery/cluster.ts";
import type { ClusterOptions } from "../discovery/options.ts";
import type { ClusterStatus, NodesAnswer } from "../discovery/views.ts";
import type { Drain } from "../http/drain.ts";
import { fetchAnswer } from "../http/fetch/answer.ts";
import { linesOf } from "../http/header-fields.ts";
import type { Refusal } from "../http/http1/server-context.ts";
import type { ClientRequest, HttpAnswer } from "../http/message.ts";
import { problem } from "../http/problem.ts";
import type { RefusalReason } from "../http/server/refusal-counts.ts";
import { createKeySpace } from "../middleware/key-space.ts";
import type { StreamSocket } from "../platform/sockets.ts";
import { createInFlightRequests, createUnsharedInFlightRequests } from "../proxy/in-flight.ts";
import { createPeerWarnings } from "../proxy/peer-warnings.ts";
import type { Explained } from "../reports/explain/answer.ts";
import { type Held, heldBy, withEjections } from "../reports/explain/ejections.ts";
import { type ExplainSources, explainRequest } from "../reports/explain/explain.ts";
import type { ExplainQuery } from "../reports/explain/question.ts";
import { createConnections } from "../streams/connections.ts";
import { type Counters, createCounters } from "../telemetry/counters.ts";
import { type GatewayEvent, newestEvents } from "../telemetry/events.ts";
import { collectClusters, collectTraffic } from "../telemetry/gateway-metrics.ts";
import { createRefusalLog } from "../telemetry/refusals.ts";
import { createRefusedConnections } from "../telemetry/refused-connections.ts";
import { createRequestIds } from "../telemetry/request-id.ts";
import { createStreamCounters, type StreamCounters } from "../telemetry/stream-counters.ts";
import type { TrafficStatistics } from "../telemetry/traffic.ts";
import { type ClusterSet, createClusterSet } from "./cluster-set.ts";
import { FORMAT } from "./format.ts";
import { forgetOthers, makePlan, type Plan, type PlanParts, type PlanWorld, retire } from "./plan.ts";
import { createReferenceCheck } from "./reference-check.ts";
import { refuseUnread, respond } from "./request.ts";
import type { GatewayView } from "./view.ts";

/** What a gateway works with: the runtime's parts, never the runtime itself. */
export interface GatewayOptions extends PlanWorld {
  readonly config: Config;
  /** Makes a cluster's client; the runtime knows how TLS, files and tokens come to it. */
  createCluster(config: ClusterOptions, zone: string | undefined): Cluster;
  /** Who makes the active health checks. @default the gateway itself */
  readonly health?: HealthSet | undefined;
  /**
   * False where another gateway of the process looks whether what a config names exists, or nothing runs between
   * requests. @default true
   */
  readonly checksReferences?: boolean | undefined;
  /** This config is in force: what was made for others and it does not need may be let go. */
  retain?(config: Config): void;
}

/** A running gateway. */
export interface Gateway extends GatewayView {
  /** What its routes have counted since it was made. */
  readonly counters: Counters;
  /** The same, and the addresses they have, as plain data that can be summed with another thread's. */
  traffic(): TrafficStatistics;
  /** What its routes hold against addresses, as plain data that can be sent to another thread. */
  held(): readonly Held[];
  /** `held`: what other threads hold against addresses too. */
  nodes(service: string, options: { verbose: boolean; held?: readonly Held[] }): Promise<NodesAnswer>;
  /**
   * `patient`: waits for a first list under way, as a request would. `workers`: what each of the threads that serve in
   * its place holds against addresses.
   */
  explain(query: ExplainQuery, options?: Pick<ExplainSources, "patient" | "workers">): Promise<Explained>;
  /**
   * Answers one request; never rejects. `peer` is the address of the connection's other end. `port`: where the request
   * was taken; left out, the scheme's own.
   */
  handle(
    request: ClientRequest,
    peer: string,
    scheme: "http" | "https",
    port?: string,
  ): HttpAnswer | Promise<HttpAnswer>;
  /** The same in the words of the fetch standard: without trailers, interim answers and upgrades, which are not asked for. */
  fetch(request: Request, peer: string, scheme: "http" | "https", port?: string): Promise<Response>;
  /** The answer to a request that its listener refuses: it is logged and counted as others are. */
  refuseRequest(refusal: Refusal, scheme: "http" | "https"): HttpAnswer;
  /** The answer where there should be another: what went wrong is logged. */
  failRequest(error: unknown, request: ClientRequest | undefined): HttpAnswer;
  /** Its listener refused something, or ended it before its time; `why`: more about it, for the log. */
  countRefused(reason: RefusalReason, why?: string): void;
  /** Serves one connection to the stream of that id, from taking it to its end. */
  connection(stream: string, client: StreamSocket): void;
  /**
   * Whether the stream of that id takes another connection, `pending` of its clients being at their TLS handshakes; one
   * that it does not take is counted.
   */
  admits(stream: string, pending: number): boolean;
  /** A client's TLS handshake with a stream failed. */
  handshakeFailed(stream: string, error: Error): void;
  /** What its streams have counted since it was made. */
  readonly streamCounters: StreamCounters;
  /** Resolves when no connection of a stream is left, or after `timeout` ms, when those that are left are closed. */
  drainStreams(timeout: number): Promise<void>;
  /**
   * Goes over to another config: requests taken up from now on see it, those under way finish as they began. Throws where it
   * cannot be compiled (a module of the user's fails, say): then nothing has changed.
   */
  apply(config: Config): void;
  /** A changed config was refused for these errors, or was taken back (none): the admin API shows it. */
  refuse(errors: readonly string[]): void;
  /** Resolves when every required cluster has its first snapshot. */
  whenReady(signal: AbortSignal): Promise<void>;
  /** Resolves when the nodes of a service are known, or when its cluster failed to tell them. */
  whenKnown(service: string): Promise<void>;
  /** SIGTERM came: `/readyz` says 503 and connections are closed after their answer. */
  drain(): void;
  /** Requests taken up since `drain`. */
  drained(): number;
  /**
   * The time to drain is over: open event streams end, as if their pods had ended them, and requests that wait for an
   * answer are answered `draining`.
   */
  cutOff(): void;
  /** Stops following the clusters and writes what the access log holds. */
  stop(): Promise<void>;
}

/** A cluster whose changed settings do not work yet still serves from the ones before: its status says both. */
function withPending(statuses: readonly ClusterStatus[], pending: readonly Cluster[]): readonly ClusterStatus[] {
  if (pending.length === 0) return statuses;
  return statuses.map((status) => {
    const next = pending.find(({ id }) => id === status.id)?.status();
    if (next === undefined) return status;
    const waits = `the changed settings are not in force yet: ${next.lastError ?? next.state}`;
    return { ...status, lastError: status.lastError === null ? waits : `${status.lastError}; ${waits}` };
  });
}

/** What a gateway remembers of what happened to itself; its clusters do for themselves. */
const EVENTS = 100;

/** Composes a gateway and starts following its clusters. */
export function createGateway(options: GatewayOptions): Gateway {
  const { clock, random, logger } = options;
  const requestIds = createRequestIds(random);
  const counters = createCounters();
  const streamCounters = createStreamCounters();
  const logRefusal = createRefusalLog({ clock, logger });
  const refusedConnections = createRefusedConnections({ clock, logger });
  const connections = createConnections({
    clock,
    logger,
    logRefusal,
    nextId: requestIds.next,
    onEnd: (entry) => plan.accessLog?.connection(entry),
  });
  let config = options.config;
  const events = createRing<GatewayEvent>(EVENTS);
  let refused: readonly string[] = [];
  const drain: Drain = { begun: false, over: false };
  let drained = 0;
  // Where the runtime's own edge writes such fields into every request, they tell nothing of a peer.
  const onUntrusted = options.edgeForwards ? undefined : createPeerWarnings({ clock, logger });
  const parts: PlanParts = {
    world: options,
    counters,
    streamCounters,
    eventStreams: new Set(),
    inFlight: (options.sharedTimers ?? true) ? createInFlightRequests(clock) : createUnsharedInFlightRequests(clock),
    drain,
    middleware: { clock, fetch: options.plainFetch, keys: createKeySpace({ clock }) },
    budgets: createRetryBudgets({ clock }),
    logRefusal,
    onUntrusted,
    requestIds,
    onEject({ endpoint: { address, pod } }, until) {
      const at = clock.now();
      events.add({ at, kind: "ejected", address, until });
      const seconds = Math.round((until - at) / 1000);
      logger.log("warn", "An address is ejected after failures", { upstream: address, pod, seconds });
    },
  };

  const references = createReferenceCheck({ clock, logger });
  const health = options.health ?? createHealthSet({ clock, random, logger });

  const clusters: ClusterSet = createClusterSet({
    create: (cluster) => options.createCluster(cluster, config.server.zone),
    logger,
    onSucceeded: () => {
      swap(makePlan(config, clusters.current(), plan, parts));
      follow();
    },
  });

  function swap(next: Plan): void {
    retire(plan, next);
    plan = next;
  }

  /** What goes on beside requests goes by the plan in force from now on. */
  function follow(): void {
    forgetOthers(plan, parts);
    health.apply([...plan.routes.checks, ...(plan.streams?.checks ?? [])]);
    if (options.checksReferences ?? true) references.check(plan, clusters.current());
  }

  const first = clusters.prepare(config.discovery);
  let plan = makePlan(config, first.clusters, undefined, parts);
  first.commit();
  follow();

  const traffic = (): TrafficStatistics => {
    const { routes, streams, tracing } = plan;
    const sources = {
      routes: routes.routes,
      streams: streams?.byId.values(),
      tracing,
      refused: refusedConnections.counts,
    };
    return collectTraffic(counters, sources);
  };

  const handle: Gateway["handle"] = (request, peer, scheme, port) => {
    if (drain.begun) drained++;
    return respond(plan, request, peer, scheme, port);
  };

  return {
    counters,
    traffic,
    handle,
    async fetch(request, peer, scheme, port) {
      const { url, method, body, signal } = request;
      const headers = linesOf(request.headers);
      headers.delete("upgrade");
      return fetchAnswer(request, await handle({ url, method, headers, body, signal }, peer, scheme, port));
    },
    refuseRequest: (refusal, scheme) => refuseUnread(plan, refusal, scheme),
    failRequest(error, request) {
      logger.log("error", "Unforeseen error", { stack: error instanceof Error ? error.stack : String(error) });
      return problem("internal", "The gateway could not handle this request", { head: request?.method === "HEAD" });
    },
    countRefused: refusedConnections.count,
    streamCounters,
    connection(id, client) {
      const stream = plan.streams?.byId.get(id);
      // It was taken out of the config while this connection waited to be accepted.
      if (stream === undefined) client.destroy();
      else connections.serve(stream, client);
    },
    admits(id, pending) {
      const stream = plan.streams?.byId.get(id);
      return stream !== undefined && connections.admits(stream, pending);
    },
    handshakeFailed(id, error) {
      const stream = plan.streams?.byId.get(id);
      if (stream !== undefined) stream.counts.failures.client_tls++;
      logger.log("debug", "A client's TLS handshake failed", { stream: id, error: error.message });
    },
    drainStreams: connections.drain,
    apply(next) {
      const change = clusters.prepare(next.discovery);
      try {
        swap(makePlan(next, change.clusters, plan, parts));
      } catch (error) {
        change.discard();
        forgetOthers(plan, parts);
        throw error;
      }
      config = next;
      refused = [];
      change.commit();
      follow();
      options.retain?.(next);
      const followed = next.discovery?.clusters.length ?? 0;
      events.add({ at: clock.now(), kind: "config", routes: next.routes.length, clusters: followed });
    },
    refuse(errors) {
      refused = errors;
      if (errors.length > 0) events.add({ at: clock.now(), kind: "refused", errors });
    },
    async whenReady(signal) {
      const required = clusters.current().filter((cluster) => cluster.required);
      await Promise.all(required.map((cluster) => cluster.whenSynced(signal)));
    },
    async whenKnown(service) {
      await plan.discovery.upstream({ service }).refresh();
    },
    drain() {
      drain.begun = true;
    },
    drained: () => drained,
    cutOff() {
      drain.over = true;
      for (const stream of [...parts.eventStreams]) stream.close();
      parts.inFlight.endAll("draining");
    },
    async stop() {
      references.stop();
      await Promise.all([clusters.stop(), health.stop()]);
      plan.accessLog?.flush();
      await plan.tracing?.stop();
    },
    readiness: () => ({ ...plan.discovery.readiness(), draining: drain.begun }),
    metrics: () => ({
      traffic: traffic(),
      clusters: collectClusters(clusters.current()),
      ready: plan.discovery.readiness().ready,
      draining: drain.begun,
    }),
    status: () => withPending(plan.discovery.status().clusters, clusters.pending()),
    dump: () => plan.discovery.dump((config.discovery?.clusters ?? []).map(redactCluster)),
    held: () => heldBy(plan.routes.routes),
    async nodes(service, { verbose, held }) {
      const { discovery, config, routes } = plan;
      const upstream = discovery.upstream({ service });
      // What a route would wait for is shown as it stands; only where nothing is kept the apiserver has to be asked.
      const { mode } = config.discovery?.clusters.find(({ id }) => id === upstream.cluster) ?? {};
      if (mode === "request") await upstream.refresh();
      const answer = discovery.query(service, { verbose });
      return verbose ? withEjections(answer, upstream.name, [...heldBy(routes.routes), ...(held ?? [])]) : answer;
    },
    async explain(query, { patient = false, workers } = {}) {
      const status = (): readonly ClusterStatus[] => withPending(plan.discovery.status().clusters, clusters.pending());
      const shownRoute = (route: RouteConfig) => redactRoute(FORMAT, route);
      return explainRequest(query, { ...plan, shownRoute, status, patient, workers });
    },
    services: (query) => plan.discovery.services(query),
    events: (limit) =>
      newestEvents([events.newest(), ...clusters.current().map(({ journal }) => journal?.events() ?? [])], limit),
    refusedConfig: () => refused,
    routes: () => plan.shownRoutes(),
    streams: () => plan.shownStreams(),
    report: (error) => logger.log("error", `Unforeseen error: ${String(error)}`),
  };
}
