import { untilAborted } from "../../kubernetes/abort-scope.ts";
import { createApiClient } from "../../kubernetes/api-client.ts";
import { serverUrl } from "../../kubernetes/connect.ts";
import type { ApiserverConnection } from "../../kubernetes/connection.ts";
import { createPoller, type Poller } from "../../kubernetes/poller.ts";
import type { Change } from "../../kubernetes/types.ts";
import type { ClusterOptions } from "../options.ts";
import type { ClusterStore } from "../store/cluster-store.ts";
import { decodeSnapshot, encodeSnapshot, storedSnapshot } from "../store/snapshot-format.ts";
import { snapshotIdentity } from "../store/snapshot-persister.ts";
import type { CreateFeed, Feed } from "./feed.ts";
import { createOnDemandRefresh } from "./on-demand-refresh.ts";

/** What holds a cluster's snapshot for others answers. */
export interface SharedSnapshot {
  /** Names this state of it. */
  readonly tag: string;
  /** When the apiserver was last asked, milliseconds since the epoch. */
  readonly listed: number;
  /** undefined: it is still the state that was named. */
  readonly text: string | undefined;
}

/** Fetches the shared snapshot of a cluster; `have` is the tag of the state that is known. Rejects with a reason. */
export type FetchSharedSnapshot = (cluster: string, have: string | undefined) => Promise<SharedSnapshot>;

export interface OnDemandFeedOptions {
  /** Opens the way to the apiserver; it sends nothing. */
  connect(config: ClusterOptions): Promise<ApiserverConnection>;
  /** Left out: the apiserver is asked directly. */
  readonly fetchShared?: FetchSharedSnapshot | undefined;
  /** Keeps work going when the request that began it is answered. */
  background(work: Promise<void>): void;
}

/** Nothing runs between requests: they themselves have the store refreshed (mode `poll` without a process). */
export interface OnDemandFeed extends Feed {
  /** Refreshes now. Rejects with a reason. */
  refreshNow(): Promise<void>;
  /** Milliseconds since the apiserver was last known to agree; Infinity: never. */
  age(): number;
  /** The snapshot for others, `have` being the state that they know. Only once the store is `synced`. */
  share(have: string | undefined): Promise<SharedSnapshot>;
}

/** Nothing else runs where a store is fed on demand. */
const withoutYield = async (): Promise<void> => {};

/** Feeds a store when requests need it. */
export function onDemandFeed(options: OnDemandFeedOptions): CreateFeed<OnDemandFeed> {
  return (store) => createOnDemandFeed(store, options);
}

function createOnDemandFeed(store: ClusterStore, options: OnDemandFeedOptions): OnDemandFeed {
  const { config, clock, random, logger, snapshot, parts, decoders } = store;
  const { connect, fetchShared } = options;
  const age = (): number =>
    store.synced() ? Math.max(...parts.map(({ sync }) => sync.age())) : Number.POSITIVE_INFINITY;

  /** The newest turn that has brought something: what an older one brings later is out of date. */
  let newest = 0;

  interface Pollers {
    readonly endpoints: Poller[];
    readonly services: Poller[];
    /** The turn their lists are made for. */
    turn: number;
    busy: boolean;
  }
  let pollers: Pollers | undefined;

  async function createPollers(): Promise<Pollers> {
    const api = createApiClient({ connection: await connect(config), logger, clock });
    const made: Pollers = { endpoints: [], services: [], turn: 0, busy: false };
    const common = { api, clock, random, logger, interval: config.poll_interval };
    // The lists of pollers that were given up may still come, before those of their successors or after them.
    const inTurn =
      <T>(receive: (change: Change<T>) => void) =>
      (change: Change<T>): void => {
        if (made.turn < newest) return;
        newest = made.turn;
        receive(change);
      };
    for (const { plan, endpoints, services, receiveSlices, receiveServices } of parts) {
      const decode = decoders.slices;
      const slices = createPoller({ ...common, collections: plan.endpoints, decode, apply: inTurn(receiveSlices) });
      endpoints.attach(slices);
      made.endpoints.push(slices);
      if (services === undefined || plan.services === undefined) continue;
      const apply = inTurn(receiveServices);
      const poller = createPoller({ ...common, collections: plan.services, decode: decoders.services, apply });
      services.attach(poller);
      made.services.push(poller);
    }
    return made;
  }

  async function list(turn: number): Promise<void> {
    // Still busy: its request has ended with the list under way, and that will never be done.
    if (pollers === undefined || pollers.busy) {
      try {
        pollers = await createPollers();
      } catch (error) {
        store.connecting = { state: "unreachable", lastError: `cannot connect: ${(error as Error).message}` };
        throw error;
      }
    }
    const mine = pollers;
    mine.turn = turn;
    mine.busy = true;
    try {
      const results = await Promise.allSettled([...mine.endpoints, ...mine.services].map((one) => one.refresh()));
      // Services that may not be read take no known endpoint away; their status says so.
      const failed = results.slice(0, mine.endpoints.length).find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    } finally {
      mine.busy = false;
    }
  }

  /** Another instance counts its states from the start. */
  const instance = random().toString(36).slice(2);
  const identity = (): Promise<string> => snapshotIdentity(serverUrl(config.service!), config);
  /** The state that the last shared snapshot was. */
  let tag: string | undefined;

  async function fetchFor(turn: number, fetchSnapshot: FetchSharedSnapshot): Promise<void> {
    try {
      const shared = await fetchSnapshot(config.id, tag);
      const stored =
        shared.text === undefined ? undefined : await decodeSnapshot(shared.text, await identity(), withoutYield);
      if (turn < newest) return;
      newest = turn;
      tag = shared.tag;
      for (const { scope, endpoints, services } of parts) {
        if (stored !== undefined) {
          snapshot.writer(scope)({ kind: "replace", items: stored.slices.get(scope) ?? [] });
          snapshot.serviceWriter(scope)({ kind: "replace", items: stored.services.get(scope) ?? [] });
        }
        endpoints.answered(shared.listed);
        services?.answered(shared.listed);
      }
      store.connecting = { state: "polling", lastError: undefined };
    } catch (error) {
      const lastError = `the shared snapshot cannot be had: ${(error as Error).message}`;
      if (store.connecting.lastError !== lastError) logger.log("warn", `kubernetes: ${lastError}`);
      store.connecting = { state: "unreachable", lastError };
      throw error;
    }
  }

  const refreshing = createOnDemandRefresh({
    refresh: (turn) => (fetchShared === undefined ? list(turn) : fetchFor(turn, fetchShared)),
    age,
    interval: config.poll_interval,
    maxStale: config.max_stale,
    background: options.background,
    clock,
  });

  return {
    run: untilAborted,
    refresh: refreshing.refresh,
    refreshNow: refreshing.now,
    age,
    async share(have) {
      const current = `${instance}-${snapshot.revision()}`;
      const listed = clock.now() - age();
      if (current === have) return { tag: current, listed, text: undefined };
      const text = await encodeSnapshot(storedSnapshot(snapshot, listed), await identity(), withoutYield);
      return { tag: current, listed, text };
    },
  };
}
