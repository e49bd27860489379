import type { Clock } from "../../base/clock.ts";
import type { Poller } from "../../kubernetes/poller.ts";
import type { Change, ChangeSource, ClientState } from "../../kubernetes/types.ts";
import { idleStatus, isDefinite, type SourceReport, worstState } from "../cluster-status.ts";
import type { ConditionVariable } from "../condition-variable.ts";

/** A source with what the cluster knows of it: it has none before the connection is there. */
export interface TrackedSource {
  report(): SourceReport;
  attach(source: ChangeSource | Poller): void;
  /** The receiver, noting that a first full list came. */
  received<T>(apply: (change: Change<T>) => void): (change: Change<T>) => void;
  /** The apiserver told all that was asked. */
  answered(): void;
  /** A file told what a full list said when it was written, ms since the epoch. */
  restored(written: number): void;
  readonly source: ChangeSource | Poller | undefined;
  /** A full list is known, if only from a file. */
  readonly synced: boolean;
  /** A full list came from the apiserver itself. */
  readonly listed: boolean;
  /** When the last full list was received, ms since the epoch: its source's status says so only a moment later. */
  readonly receivedAt: number;
}

/** Follows one source. `before` tells what to report while there is none. */
export function trackSource(
  namespace: string | undefined,
  before: () => { state: ClientState; lastError: string | undefined },
  waiters: ConditionVariable,
  clock: Clock,
): TrackedSource {
  let source: ChangeSource | Poller | undefined;
  let known: "nothing" | "restored" | "listed" = "nothing";
  let receivedAt = 0;
  const answered = (): void => {
    receivedAt = clock.now();
    if (known === "listed") return;
    known = "listed";
    waiters.changed();
  };
  return {
    get source() {
      return source;
    },
    get synced() {
      return known !== "nothing";
    },
    get listed() {
      return known === "listed";
    },
    get receivedAt() {
      return receivedAt;
    },
    report() {
      const { state, lastError } = before();
      return { namespace, synced: known !== "nothing", status: source?.status ?? idleStatus(state, lastError) };
    },
    attach(next) {
      source = next;
    },
    received: (apply) => (change) => {
      apply(change);
      if (change.kind === "replace") answered();
    },
    answered,
    restored(written) {
      known = "restored";
      receivedAt = written;
      waiters.changed();
    },
  };
}

/** One namespace's (or all namespaces') part of a cluster: its Endpoints, and its Services where they are read. */
export interface NamespaceSync {
  readonly namespace: string | undefined;
  readonly endpoints: TrackedSource;
  readonly services: TrackedSource | undefined;
  /** Its first full list is in, or what a file remembers of one. Services that may not be read are not waited for. */
  synced(): boolean;
  /** The same without the file. */
  listed(): boolean;
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

export function createNamespaceSync(options: {
  readonly namespace: string | undefined;
  readonly endpoints: TrackedSource;
  readonly services: TrackedSource | undefined;
  readonly clock: Clock;
  readonly waiters: ConditionVariable;
  /** False: nobody drives the sources any more, waiting is in vain. */
  running(): boolean;
}): NamespaceSync {
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
  /** What was so once stays so: this is asked for every request. */
  const once = (part: "synced" | "listed"): (() => boolean) => {
    let reached = false;
    return () => {
      reached ||=
        endpoints[part] && (services === undefined || services[part] || isDefinite(services.report().status.state));
      return reached;
    };
  };
  const synced = once("synced");

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
    listed: once("listed"),
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
