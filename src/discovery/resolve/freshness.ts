import type { NamespaceSync } from "../feeds/namespace-sync.ts";
import type { RequestSource } from "../feeds/request-source.ts";

/** Whether what is known of one service may be believed now, and what to wait for if not. */
export interface FreshnessGuard {
  /** See `Upstream.refresh`. Costs nothing while all is well. */
  refresh(): Promise<void> | undefined;
  /** False: the snapshot is older than `max_stale` allows, and nodes must not be taken from it. */
  fresh(): boolean;
  /** Why an absent service may exist all the same; undefined: what the snapshot says holds. */
  unavailable(): UnavailableReason | undefined;
}

/** Why the snapshot does not tell. */
export interface UnavailableReason {
  /** `left_out`: the configuration does not want this namespace. `not_synced`: the apiserver has not told yet. */
  readonly why: "left_out" | "not_synced";
  readonly detail: string;
}

/** What a gate asks of a scope. */
export type GuardedSync = Pick<
  NamespaceSync,
  "synced" | "listed" | "hopeful" | "state" | "lastError" | "age" | "settled" | "freshened"
>;

const because = (lastError: string | undefined): string => (lastError === undefined ? "" : `, ${lastError}`);

/** True when a scope's snapshot is older than `max_stale` (0: never). */
export function isExpired(scope: Pick<NamespaceSync, "synced" | "age">, maxStale: number): boolean {
  return maxStale > 0 && scope.synced() && scope.age() > maxStale;
}

/** Of a namespace that the configuration does not want. `key`: what leaves it out. */
export function filteredOutGuard(namespace: string, key: string): FreshnessGuard {
  const detail = `namespace ${namespace} is filtered out by ${key}`;
  return { refresh: () => undefined, fresh: () => true, unavailable: () => ({ why: "left_out", detail }) };
}

/** Of a namespace that is followed by watching or polling. */
export function namespaceGuard(scope: GuardedSync, maxStale: number): FreshnessGuard {
  const expired = (): boolean => isExpired(scope, maxStale);
  return {
    refresh() {
      // A first list under way is worth waiting for; an apiserver that failed already may stay away for long.
      if (!scope.synced()) return scope.hopeful() ? scope.settled() : undefined;
      return expired() ? scope.freshened(maxStale) : undefined;
    },
    fresh: () => !expired(),
    unavailable() {
      if (scope.listed() && !expired()) return undefined;
      const old = expired()
        ? `the snapshot is older than max_stale (${maxStale} ms)`
        : "only what snapshot_file holds is known";
      const what = scope.synced() ? old : "never synced";
      return { why: "not_synced", detail: `${what}: the state is ${scope.state()}${because(scope.lastError())}` };
    },
  };
}

/** Of a service that is asked for with each request. `started` resolves once there is somebody to ask. */
export function perRequestGuard(
  namespace: string,
  name: string,
  options: {
    started(): Promise<void>;
    readonly source: () => RequestSource | undefined;
    status(): { state: string; lastError: string | undefined };
  },
): FreshnessGuard {
  const { started, source, status } = options;
  return {
    async refresh() {
      await started();
      await source()?.ask(namespace, name);
    },
    fresh: () => true,
    unavailable() {
      if (source()?.answered(`${namespace}/${name}`) === true) return undefined;
      const { state, lastError } = status();
      const detail = `the apiserver has not answered about it: the state is ${state}${because(lastError)}`;
      return { why: "not_synced", detail };
    },
  };
}
