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
  /**
   * Goes over to these settings. Clusters that are new serve at once (their routes wait for the first list). What it
   * gives back ends those that are gone: to be called when nothing uses them.
   */
  apply(config: DiscoveryConfig | undefined): () => void;
  /** The clusters in force, in the file's order. */
  current(): readonly Cluster[];
  /** Settings that wait for their first snapshot, while the ones before still serve. */
  pending(): readonly Cluster[];
  /** Stops all of them; resolves when their streams are closed. */
  stop(): Promise<void>;
}

interface Running {
  readonly settings: string;
  readonly cluster: Cluster;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

interface Slot {
  serving: Running;
  successor: Running | undefined;
}

/** Makes an empty set. */
export function createClusterSet(options: ClusterSetOptions): ClusterSet {
  let slots = new Map<string, Slot>();

  function start(config: ClusterOptions): Running {
    const cluster = options.create(config);
    const stop = new AbortController();
    const done = cluster.run(stop.signal).catch((error: unknown) => {
      if (stop.signal.aborted) return;
      options.logger.log("error", `The client of a cluster ended: ${String(error)}`, { cluster: config.id });
    });
    return { settings: JSON.stringify(config), cluster, stop, done };
  }

  function end(running: Running | undefined): void {
    running?.stop.abort(new Error("the cluster is no longer followed"));
  }

  /** Lets the successor serve once it is in step. */
  async function promote(slot: Slot, successor: Running): Promise<void> {
    try {
      // What a file remembers must not take the place of what is followed.
      await successor.cluster.whenListed(successor.stop.signal);
    } catch {
      return; // It was itself replaced or removed.
    }
    if (slot.successor !== successor) return;
    const before = slot.serving;
    slot.serving = successor;
    slot.successor = undefined;
    options.onSucceeded();
    end(before);
  }

  function succeed(slot: Slot, config: ClusterOptions, settings: string): void {
    if (slot.successor?.settings === settings) return;
    end(slot.successor);
    slot.successor = undefined;
    if (slot.serving.settings === settings) return;
    const successor = start(config);
    if (!slot.serving.cluster.synced()) {
      // Nothing to protect: the old settings never worked.
      end(slot.serving);
      slot.serving = successor;
      return;
    }
    slot.successor = successor;
    void promote(slot, successor);
  }

  return {
    apply(config) {
      const next = new Map<string, Slot>();
      for (const cluster of config?.clusters ?? []) {
        const slot = slots.get(cluster.id);
        if (slot === undefined) {
          next.set(cluster.id, { serving: start(cluster), successor: undefined });
        } else {
          succeed(slot, cluster, JSON.stringify(cluster));
          next.set(cluster.id, slot);
        }
      }
      const gone = [...slots].filter(([id]) => !next.has(id));
      slots = next;
      return () => {
        for (const [, slot] of gone) {
          end(slot.serving);
          end(slot.successor);
        }
      };
    },
    current: () => [...slots.values()].map((slot) => slot.serving.cluster),
    pending: () =>
      [...slots.values()].flatMap((slot) => (slot.successor === undefined ? [] : [slot.successor.cluster])),
    async stop() {
      const running = [...slots.values()].flatMap((slot) => [slot.serving, slot.successor]);
      slots = new Map();
      for (const one of running) end(one);
      await Promise.all(running.map((one) => one?.done));
    },
  };
}
