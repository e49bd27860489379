import type { Feed } from "../feeds/feed.ts";
import type { NamespaceSync } from "../feeds/namespace-sync.ts";

/** Whether what is known of one service may be used now, and what to wait for if not. */
export interface FreshnessGuard {
  /** See `Upstream.refresh`. Costs nothing while all is well. */
  refresh(): Promise<void> | undefined;
  /** False: the snapshot is older than `max_stale` allows, and nodes must not be taken from it. */
  fresh(): boolean;
  /** Why an absent service may exist all the same; undefined: what the snapshot says holds. */
  unavailable(): UnavailableReason | undefined;
}

/** Why the snapshot cannot tell. */
export interface UnavailableReason {
  /** `filtered_out`: the configuration excludes this namespace. `not_synced`: the apiserver has not answered yet. */
  readonly why: "filtered_out" | "not_synced";
  readonly detail: string;
}

/** The state and the last error of a source, as the end of a sentence. */
export function describeState({ state, lastError }: Pick<NamespaceSync, "state" | "lastError">): string {
  const error = lastError();
  return `the state is ${state()}${error === undefined ? "" : `, ${error}`}`;
}

/** True when a snapshot is older than `max_stale` (0: never). */
export function isExpired(sync: Pick<NamespaceSync, "synced" | "age">, maxStale: number): boolean {
  return maxStale > 0 && sync.synced() && sync.age() > maxStale;
}

/** Of a namespace that the configuration excludes. `key`: what excludes it. */
export function filteredOutGuard(namespace: string, key: string): FreshnessGuard {
  const detail = `namespace ${namespace} is filtered out by ${key}`;
  return { refresh: () => undefined, fresh: () => true, unavailable: () => ({ why: "filtered_out", detail }) };
}

/** Where a guard looks. */
export interface GuardSources {
  readonly sync: NamespaceSync;
  readonly feed: Feed;
  readonly maxStale: number;
}

/** Of a service in a namespace that is read. */
export class ServiceGuard implements FreshnessGuard {
  readonly #namespace: string;
  readonly #name: string;
  readonly #sources: GuardSources;

  /** `sources`: the same object for all services of the namespace, so that requests for any of them keep it near. */
  constructor(namespace: string, name: string, sources: GuardSources) {
    this.#namespace = namespace;
    this.#name = name;
    this.#sources = sources;
  }

  refresh(): Promise<void> | undefined {
    const { sync, feed, maxStale } = this.#sources;
    if (feed.refresh !== undefined) return feed.refresh(this.#namespace, this.#name);
    // A first list under way is worth waiting for; an apiserver that failed already may stay away for long.
    if (!sync.synced()) return sync.hopeful() ? sync.settled() : undefined;
    return isExpired(sync, maxStale) ? sync.freshened(maxStale) : undefined;
  }

  fresh(): boolean {
    return !isExpired(this.#sources.sync, this.#sources.maxStale);
  }

  unavailable(): UnavailableReason | undefined {
    const { sync, feed, maxStale } = this.#sources;
    if (feed.unavailable !== undefined) return feed.unavailable(this.#namespace, this.#name);
    const expired = isExpired(sync, maxStale);
    if (sync.listed() && !expired) return undefined;
    const old = expired
      ? `the snapshot is older than max_stale (${maxStale} ms)`
      : "only what snapshot_file holds is known";
    const what = sync.synced() ? old : "never synced";
    return { why: "not_synced", detail: `${what}: ${describeState(sync)}` };
  }
}
