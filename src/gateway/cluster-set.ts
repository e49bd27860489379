import type { Logger } from "../base/log.ts";
import type { DiscoveryConfig } from "../config/schema.ts";
import type { Cluster } from "../discovery/cluster.ts";
import type { ClusterOptions } from "../discovery/options.ts";

/** What a cluster set works with. */
export interface ClusterSetOptions {
  /** Makes a cluster; it does nothing until `run`. */
  create(config: ClusterOptions): Cluster;
  readonly logger: Logger;
  /** A successor took the place of a cluster, since it is in step now. */
  onSucceeded(): void;
}

/**
 * The clusters a gateway follows, across config reloads. A cluster whose settings did not change is kept as it is. One
 * whose settings changed is replaced only when its successor has its first snapshot: until then the old one serves, so
 * that a change never takes known addresses away.
 */
export interface ClusterSet {
  /** What these settings come to. Nothing changes before `commit`, but that new clusters begin to be followed. */
  prepare(config: DiscoveryConfig | undefined): ClusterChange;
  /** The clusters in force, in the file's order. */
  current(): readonly Cluster[];
  /** Settings that wait for their first snapshot, while the ones before still serve. */
  pending(): readonly Cluster[];
  /** Stops all of them; resolves when their streams are closed. */
  stop(): Promise<void>;
}

/** A change of a set. Either `commit` or `discard` is called, once, before the set is asked for anything else. */
export interface ClusterChange {
  /** The clusters in force once it is made. Those that are new serve at once (their routes wait for the first list). */
  readonly clusters: readonly Cluster[];
  /** Makes it, and ends what is followed no more: to be called when nothing uses that. */
  commit(): void;
  /** Ends what was begun for it. */
  discard(): void;
}

interface Running {
  readonly settings: string;
  readonly cluster: Cluster;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** The place of one id: never changed, only replaced. */
interface Slot {
  readonly serving: Running;
  readonly successor: Running | undefined;
}

type Slots = ReadonlyMap<string, Slot>;

const clustersOf = (slots: Slots): Cluster[] => [...slots.values()].map(({ serving }) => serving.cluster);

const runningIn = (slots: Slots): Set<Running> =>
  new Set([...slots.values()].flatMap(({ serving, successor }) => [serving, ...(successor ? [successor] : [])]));

/** Makes an empty set. */
export function createClusterSet(options: ClusterSetOptions): ClusterSet {
  let slots: Slots = new Map();

  function start(config: ClusterOptions): Running {
    const cluster = options.create(config);
    const stop = new AbortController();
    const done = cluster.run(stop.signal).catch((error: unknown) => {
      if (stop.signal.aborted) return;
      options.logger.log("error", `The client of a cluster ended: ${String(error)}`, { cluster: config.id });
    });
    return { settings: JSON.stringify(config), cluster, stop, done };
  }

  /** Ends what `these` has and `others` has not. */
  function end(these: Slots, others: Slots): void {
    const kept = runningIn(others);
    for (const running of runningIn(these)) {
      if (!kept.has(running)) running.stop.abort(new Error("the cluster is no longer followed"));
    }
  }

  /** Lets the successor serve once it is in step. */
  async function promote(id: string, successor: Running): Promise<void> {
    try {
      // What a file remembers must not take the place of what is followed.
      await successor.cluster.whenListed(successor.stop.signal);
    } catch {
      return; // It was itself replaced or removed.
    }
    if (slots.get(id)?.successor !== successor) return;
    const before = slots;
    slots = new Map(slots).set(id, { serving: successor, successor: undefined });
    options.onSucceeded();
    end(before, slots);
  }

  function slotOf(config: ClusterOptions): Slot {
    const slot = slots.get(config.id);
    if (slot === undefined) return { serving: start(config), successor: undefined };
    const { serving, successor } = slot;
    const settings = JSON.stringify(config);
    if (successor?.settings === settings) return slot;
    if (serving.settings === settings) return { serving, successor: undefined };
    // Where the old settings never worked there is nothing to protect.
    return serving.cluster.synced()
      ? { serving, successor: start(config) }
      : { serving: start(config), successor: undefined };
  }

  return {
    prepare(config) {
      const next: Slots = new Map((config?.clusters ?? []).map((cluster) => [cluster.id, slotOf(cluster)]));
      return {
        clusters: clustersOf(next),
        commit() {
          const before = slots;
          slots = next;
          for (const [id, { successor }] of next) {
            if (successor !== undefined && successor !== before.get(id)?.successor) void promote(id, successor);
          }
          end(before, next);
        },
        discard: () => end(next, slots),
      };
    },
    current: () => clustersOf(slots),
    pending: () => [...slots.values()].flatMap(({ successor }) => successor?.cluster ?? []),
    async stop() {
      const running = runningIn(slots);
      end(slots, new Map());
      slots = new Map();
      await Promise.all([...running].map(({ done }) => done));
    },
  };
}
