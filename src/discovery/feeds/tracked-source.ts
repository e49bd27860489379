import type { Clock } from "../../base/clock.ts";
import { idleStatus } from "../../kubernetes/source-status.ts";
import type { Change, SourceStatus } from "../../kubernetes/types.ts";
import type { SourceReport } from "../cluster-status.ts";
import type { ConditionVariable } from "../condition-variable.ts";
import type { Connecting } from "./connecting.ts";

/** What reads a collection, as far as a cluster looks at it. */
export interface ObservedSource {
  readonly status: SourceStatus;
  /** Left out where it cannot be made to read sooner. */
  refresh?(): Promise<void>;
}

/** What is known of a source, as it is relayed to replicas. */
export interface SourceSync {
  readonly status: SourceStatus;
  /** `restored`: what is known comes from a file. */
  readonly known: "nothing" | "restored" | "listed";
  /** When the last full list was received, milliseconds since the epoch: `status` says so only a moment later. */
  readonly receivedAt: number;
}

/** A source with what the cluster knows of it: it has none before the connection is there. */
export interface TrackedSource {
  report(): SourceReport;
  attach(source: ObservedSource): void;
  /** The receiver, noting that a first full list came. */
  received<T>(apply: (change: Change<T>) => void): (change: Change<T>) => void;
  /** All that was asked for was answered, at this time. @default now */
  answered(at?: number): void;
  /** A file holds what a full list said when it was written, milliseconds since the epoch. */
  restored(written: number): void;
  /** What is relayed of it, and how that is taken over. */
  sync(): SourceSync;
  replicate(sync: SourceSync): void;
  readonly source: ObservedSource | undefined;
  /** A full list is known, if only from a file. */
  readonly synced: boolean;
  /** A full list came from the apiserver itself. */
  readonly listed: boolean;
  readonly receivedAt: number;
}

/** Tracks one source of this namespace (undefined: all). `connecting` is what to report while there is none. */
export function trackSource(
  namespace: string | undefined,
  connecting: () => Connecting,
  condition: ConditionVariable,
  clock: Clock,
): TrackedSource {
  let source: ObservedSource | undefined;
  let known: SourceSync["known"] = "nothing";
  let receivedAt = 0;
  const status = (): SourceStatus => {
    const { state, lastError } = connecting();
    return source?.status ?? idleStatus(state, lastError);
  };
  const answered = (at = clock.now()): void => {
    receivedAt = at;
    if (known === "listed") return;
    known = "listed";
    condition.changed();
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
    report: () => ({ namespace, synced: known !== "nothing", status: status() }),
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
      condition.changed();
    },
    sync: () => ({ status: status(), known, receivedAt }),
    replicate(sync) {
      source = { ...source, status: sync.status };
      ({ known, receivedAt } = sync);
    },
  };
}
