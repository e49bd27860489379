import type { Clock, Random } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { createApiClient } from "../../kubernetes/api-client.ts";
import { type ApiserverConnection, serverUrl } from "../../kubernetes/connect.ts";
import { createPoller, type Poller } from "../../kubernetes/poller.ts";
import type { Change, ClientState, Decoder } from "../../kubernetes/types.ts";
import type { Cluster } from "../cluster.ts";
import { clusterCounters, clusterStatus } from "../cluster-status.ts";
import { createConditionVariable } from "../condition-variable.ts";
import type { ClusterOptions } from "../options.ts";
import { endpointSliceDecoder } from "../records/endpoint-slices.ts";
import { endpointsDecoder } from "../records/endpoints.ts";
import { serviceDecoder } from "../records/services.ts";
import { type FreshnessGuard, filteredOutGuard } from "../resolve/freshness.ts";
import { createServiceViews } from "../store/service-views.ts";
import { createSnapshot } from "../store/snapshot.ts";
import { decodeSnapshot, digest, encodeSnapshot } from "../store/snapshot-format.ts";
import { snapshotIdentity } from "../store/snapshot-persister.ts";
import { createNamespaceSync, type TrackedSource, trackSource } from "./namespace-sync.ts";
import { createOnDemandRefresh } from "./on-demand.ts";
import { planCluster } from "./plan.ts";

/** What a shared holder answers. */
export interface SharedSnapshot {
  /** Names this state of it. */
  readonly tag: string;
  /** When the apiserver was last asked, milliseconds since the epoch. */
  readonly listed: number;
  /** undefined: it is still the state that was named. */
  readonly text: string | undefined;
}

/** Asks the shared holder of a cluster's snapshot; `have` is the tag of the state that is known. Rejects in words. */
export type FetchSharedSnapshot = (cluster: string, have: string | undefined) => Promise<SharedSnapshot>;

/** What such a cluster works with. */
export interface DemandDeps {
  /** Opens the way to the apiserver; it sends nothing. */
  connect(config: ClusterOptions): Promise<ApiserverConnection>;
  /** Left out: the apiserver is asked directly. */
  readonly askHolder?: FetchSharedSnapshot | undefined;
  /** Keeps work going when the request that began it is answered. */
  background(work: Promise<void>): void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly zone?: string | undefined;
}

/** A cluster that nobody follows: requests themselves have its snapshot refreshed (mode `poll` without a process). */
export interface DemandCluster extends Cluster {
  /** Refreshes now. Rejects in words. */
  pull(): Promise<void>;
  /** Milliseconds since the apiserver was last known to agree; Infinity: never. */
  age(): number;
  /** The snapshot for others, `have` being what they know. Only once it is `synced`. */
  held(have: string | undefined): Promise<SharedSnapshot>;
}

/** Makes one of its configuration. */
export function createDemandCluster(config: ClusterOptions, deps: DemandDeps): DemandCluster {
  const { clock, random, askHolder } = deps;
  const logger: Logger =
    config.id === ""
      ? deps.logger
      : { log: (level, message, fields) => deps.logger.log(level, message, { cluster: config.id, ...fields }) };
  const snapshot = createSnapshot({ clock, emptyGrace: config.empty_grace });
  const plan = planCluster(config);
  const keepNamespace = plan.keeps;
  const decode = config.watch_endpoint_slices
    ? endpointSliceDecoder({ keepNamespace })
    : endpointsDecoder({ keepNamespace });
  const decodeService = serviceDecoder({ keepNamespace });
  const waiters = createConditionVariable();
  const selection = { defaultWeight: config.default_weight, addressFamily: config.address_family, zone: deps.zone };

  /** What became of asking the holder, or of opening the connection. */
  let before: { state: ClientState; lastError: string | undefined } = { state: "connecting", lastError: undefined };
  const tracked = (namespace: string | undefined): TrackedSource =>
    trackSource(namespace, () => before, waiters, clock);
  const parts = plan.scopes.map((scope) => {
    const endpoints = tracked(scope.namespace);
    const services = scope.services === undefined ? undefined : tracked(scope.namespace);
    const { namespace } = scope;
    const name = namespace ?? "";
    return {
      plan: scope,
      name,
      endpoints,
      services,
      scope: createNamespaceSync({ namespace, endpoints, services, clock, waiters, running: () => true }),
      write: snapshot.writer(name),
      writeServices: snapshot.serviceWriter(name),
    };
  });
  const synced = (): boolean => parts.every(({ scope }) => scope.synced());
  const age = (): number => (synced() ? Math.max(...parts.map(({ scope }) => scope.age())) : Number.POSITIVE_INFINITY);

  /** The newest turn that has told something: what an older one brings later is old. */
  let newest = 0;
  const inTurn =
    <T>(turn: number, apply: (change: Change<T>) => void) =>
    (change: Change<T>): void => {
      if (turn < newest) return;
      newest = turn;
      apply(change);
    };

  interface Pollers {
    readonly endpoints: Poller[];
    readonly services: Poller[];
    /** The turn their lists are made for. */
    turn: number;
    busy: boolean;
  }
  let pollers: Pollers | undefined;

  async function createPollers(): Promise<Pollers> {
    const connection = await deps.connect(config);
    const api = createApiClient({ connection, logger, clock });
    const made: Pollers = { endpoints: [], services: [], turn: 0, busy: false };
    const poller = <T>(
      source: TrackedSource,
      collections: Parameters<typeof createPoller<T>>[0]["collections"],
      decoder: Decoder<T>,
      write: (change: Change<T>) => void,
    ): Poller => {
      const apply = source.received(write);
      const common = { api, collections, decode: decoder, clock, random, logger, interval: config.poll_interval };
      const one = createPoller({
        ...common,
        // A set that was given up for lost may still come, and first.
        apply: (change) => inTurn(made.turn, apply)(change),
      });
      source.attach(one);
      return one;
    };
    for (const { plan: part, endpoints, services, write, writeServices } of parts) {
      made.endpoints.push(poller(endpoints, part.endpoints, decode, write));
      if (part.services !== undefined && services !== undefined) {
        made.services.push(poller(services, part.services, decodeService, writeServices));
      }
    }
    return made;
  }

  async function list(turn: number): Promise<void> {
    // Still busy: its request has ended with the list under way, and that will never be done.
    if (pollers === undefined || pollers.busy) {
      try {
        pollers = await createPollers();
      } catch (error) {
        before = { state: "unreachable", lastError: `cannot connect: ${(error as Error).message}` };
        throw error;
      }
    }
    const mine = pollers;
    mine.turn = turn;
    mine.busy = true;
    try {
      const results = await Promise.allSettled([...mine.endpoints, ...mine.services].map((one) => one.refresh()));
      // Services that may not be read take no known endpoint away; their status tells.
      const failed = results.slice(0, mine.endpoints.length).find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    } finally {
      mine.busy = false;
    }
  }

  /** Of this life: another one counts its states anew. */
  const life = random().toString(36).slice(2);
  const identify = (): Promise<string> => digest(snapshotIdentity(serverUrl(config.service!), config));
  /** The state that the holder's last answer was. */
  let tag: string | undefined;

  async function askFor(turn: number, ask: FetchSharedSnapshot): Promise<void> {
    try {
      const held = await ask(config.id, tag);
      const stored =
        held.text === undefined ? undefined : await decodeSnapshot(held.text, await identify(), async () => {});
      if (turn < newest) return;
      newest = turn;
      tag = held.tag;
      for (const { name, endpoints, services, write, writeServices } of parts) {
        if (stored !== undefined) {
          write({ kind: "replace", items: stored.slices.get(name) ?? [] });
          writeServices({ kind: "replace", items: stored.services.get(name) ?? [] });
        }
        endpoints.restored(held.listed);
        services?.restored(held.listed);
      }
      before = { state: "polling", lastError: undefined };
    } catch (error) {
      const lastError = `the shared snapshot cannot be had: ${(error as Error).message}`;
      if (before.lastError !== lastError) logger.log("warn", `kubernetes: ${lastError}`);
      before = { state: "unreachable", lastError };
      throw error;
    }
  }

  const demand = createOnDemandRefresh({
    refresh: (turn) => (askHolder === undefined ? list(turn) : askFor(turn, askHolder)),
    age,
    interval: config.poll_interval,
    maxStale: config.max_stale,
    background: deps.background,
    clock,
  });
  const expired = (): boolean => config.max_stale > 0 && synced() && age() > config.max_stale;

  const gateOf = (namespace: string): FreshnessGuard => {
    const leftOut = plan.filteredOutBy(namespace);
    if (leftOut !== undefined) return filteredOutGuard(namespace, leftOut);
    return {
      refresh: demand.refresh,
      fresh: () => !expired(),
      unavailable() {
        if (synced() && !expired()) return undefined;
        const what = synced() ? `the snapshot is older than max_stale (${config.max_stale} ms)` : "never synced";
        const { state, lastError } = status();
        return { why: "not_synced", detail: `${what}: the state is ${state}${lastError ? `, ${lastError}` : ""}` };
      },
    };
  };

  const reports = {
    endpoints: () => parts.map(({ endpoints }) => endpoints.report()),
    services: () => parts.flatMap(({ services }) => services?.report() ?? []),
  };
  const status = () =>
    clusterStatus({
      config,
      endpoints: reports.endpoints(),
      services: reports.services(),
      counts: snapshot.reader.counts(),
      now: clock.now(),
      snapshotFile: undefined,
      expired: expired(),
    });

  return {
    id: config.id,
    required: config.required,
    config,
    reader: snapshot.reader,
    views: createServiceViews(selection),
    selection,
    clock,
    run: (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true })),
    status,
    counters: () => clusterCounters([...reports.endpoints(), ...reports.services()], snapshot.reader.counts()),
    synced,
    whenSynced: (signal) => waiters.until(synced, signal),
    whenListed: (signal) => waiters.until(synced, signal),
    guard: gateOf,
    pull: demand.now,
    age,
    async held(have) {
      const current = `${life}-${snapshot.revision()}`;
      const listed = clock.now() - age();
      if (current === have) return { tag: current, listed, text: undefined };
      const copied = <T>(scopes: ReadonlyMap<string, ReadonlyMap<string, T>>): ReadonlyMap<string, readonly T[]> =>
        new Map([...scopes].map(([scope, records]) => [scope, [...records.values()]]));
      const stored = { written: listed, slices: copied(snapshot.slices), services: copied(snapshot.services) };
      return { tag: current, listed, text: await encodeSnapshot(stored, await identify(), async () => {}) };
    },
  };
}
