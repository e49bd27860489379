import type { Clock } from "../clock.ts";
import type { Poller } from "../kubernetes/poller.ts";
import type { Change, ClientState, Source } from "../kubernetes/types.ts";
import { idleStatus, isDefinite, type SourceReport, worstState } from "./cluster-status.ts";
import type { Waiters } from "./waiters.ts";

/** A source with what the cluster knows of it: it has none before the connection is there. */
export interface TrackedSource {
  report(): SourceReport;
  attach(source: Source | Poller): void;
  /** The receiver, noting that a first full list came. */
  received<T>(apply: (change: Change<T>) => void): (change: Change<T>) => void;
  readonly source: Source | Poller | undefined;
  readonly synced: boolean;
  /** When the last full list was received, ms since the epoch: its source's status says so only a moment later. */
  readonly receivedAt: number;
}

/** Follows one source. `before` tells what to report while there is none. */
export function trackSource(
  namespace: string | undefined,
  before: () => { state: ClientState; lastError: string | undefined },
  waiters: Waiters,
  clock: Clock,
): TrackedSource {
  let source: Source | Poller | undefined;
  let synced = false;
  let receivedAt = 0;
  return {
    get source() {
      return source;
    },
    get synced() {
      return synced;
    },
    get receivedAt() {
      return receivedAt;
    },
    report() {
      const { state, lastError } = before();
      return { namespace, synced, status: source?.status ?? idleStatus(state, lastError) };
    },
    attach(next) {
      source = next;
    },
    received: (apply) => (change) => {
      apply(change);
      if (change.kind !== "replace") return;
      receivedAt = clock.now();
      if (synced) return;
      synced = true;
      waiters.changed();
    },
  };
}

/** One namespace's (or all namespaces') part of a cluster: its Endpoints, and its Services where they are read. */
export interface Scope {
  readonly namespace: string | undefined;
  readonly endpoints: TrackedSource;
  readonly services: TrackedSource | undefined;
  /** Its first full list is in. Services that may not be read are not waited for. */
  synced(): boolean;
  /** The worst of its sources' states. */
  state(): ClientState;
  lastError(): string | undefined;
  /** Milliseconds since the snapshot was last known to be what the apiserver has. */
  age(): number;
  /** Not synced, and nothing that was tried has failed: it may be any moment. */
  hopeful(): boolean;
  /** Resolves when `synced`, or when a source says that it will not be soon. Shared by all who wait. */
  settled(): Promise<void>;
  /** Resolves when `age` is at most this, or when a source says that it will not be soon. Shared by all who wait. */
  freshened(maxAge: number): Promise<void>;
}

/** How often a wait for a watch's sign of life looks again: each byte is too small an event to announce. */
const LOOK_AGAIN_MS = 20;

export function createScope(options: {
  readonly namespace: string | undefined;
  readonly endpoints: TrackedSource;
  readonly services: TrackedSource | undefined;
  readonly clock: Clock;
  readonly waiters: Waiters;
  /** False: nobody drives the sources any more, waiting is in vain. */
  running(): boolean;
}): Scope {
  const { namespace, endpoints, services, clock, waiters } = options;
  const sources = services === undefined ? [endpoints] : [endpoints, services];
  const states = (): ClientState[] => sources.map((source) => source.report().status.state);
  const hopeless = (): boolean => isDefinite(endpoints.report().status.state) || !options.running();
  const failed = ({ synced, report }: TrackedSource): boolean => {
    const { state } = report().status;
    return !synced && (isDefinite(state) || state === "unreachable");
  };
  const hopeful = (): boolean => options.running() && !sources.some(failed);
  let settling: Promise<void> | undefined;
  let freshening: Promise<void> | undefined;
  let complete = false;

  const synced = (): boolean => {
    // What was synced once stays so: this is asked for every request.
    complete ||=
      endpoints.synced && (services === undefined || services.synced || isDefinite(services.report().status.state));
    return complete;
  };

  const age = (): number => {
    const { status } = endpoints.report();
    const contact = status.state === "watching" ? status.lastByte : status.lastEvent;
    return clock.now() - Math.max(status.lastList ?? 0, contact ?? 0, endpoints.receivedAt);
  };

  const freshen = async (maxAge: number): Promise<void> => {
    const { source } = endpoints;
    if (source !== undefined && "refresh" in source) {
      await source.refresh().catch(() => {});
      return;
    }
    while (age() > maxAge && !hopeless()) await clock.sleep(LOOK_AGAIN_MS);
  };

  return {
    namespace,
    endpoints,
    services,
    synced,
    state: () => worstState(states()),
    lastError: () => sources.map((source) => source.report().status.lastError).find((text) => text !== undefined),
    age,
    hopeful,
    settled() {
      settling ??= waiters
        .until(() => synced() || !hopeful())
        .finally(() => {
          settling = undefined;
        });
      return settling;
    },
    freshened(maxAge) {
      freshening ??= freshen(maxAge).finally(() => {
        freshening = undefined;
      });
      return freshening;
    },
  };
}
