import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { ApiError, ApiErrorCode } from "./errors.ts";
import type { ListProgress } from "./list-all.ts";
import { createSkipTracker, type SkipTracker } from "./skipped-objects.ts";
import type { ClientState, SourceStatus } from "./types.ts";

/** Which state an error puts a cluster's client in. */
const STATE_OF: Record<ApiErrorCode, ClientState> = {
  unreachable: "unreachable",
  unauthorized: "unauthorized",
  forbidden: "forbidden",
  gone: "syncing",
  too_large_version: "syncing",
  throttled: "unreachable",
  rejected: "rejected",
  not_found: "rejected",
  server: "unreachable",
  garbage: "unreachable",
};

/** A status before anything was tried, or when it could not even be tried. */
export function idleStatus(state: ClientState, lastError?: string): SourceStatus {
  return {
    state,
    resourceVersion: undefined,
    lastByte: undefined,
    lastEvent: undefined,
    lastList: undefined,
    lastError,
    listing: undefined,
    lists: {},
    watches: 0,
    events: 0,
  };
}

/** Keeps a source's status, and logs an error when it appears or changes rather than at every attempt. */
export interface StatusTracker {
  /** What could not be read. */
  readonly skips: SkipTracker;
  /** A copy: it does not change under the reader's hands. */
  snapshot(): SourceStatus;
  /** A byte arrived. */
  byte(at: number): void;
  /** A watch event was taken in; it is not announced, there may be thousands a second. */
  event(at: number, resourceVersion: string): void;
  /** The version moved on without an event (a bookmark). */
  version(resourceVersion: string): void;
  /** How far the list under way is; it is not announced. */
  listing(progress: ListProgress | undefined): void;
  /** A full list was taken in. */
  listed(reason: string, resourceVersion: string): void;
  /** A watch stream was asked for. */
  opened(): void;
  enter(state: ClientState): void;
  failed(error: ApiError): void;
  /** An attempt worked: the status shows no error any more. */
  recovered(): void;
  /** It works reliably: the log says so, and the same error is logged again when it comes back. */
  markStable(): void;
}

export interface StatusTrackerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is read, for the log: `endpointslices in all namespaces`. */
  readonly label: string;
  readonly onStatus?: (() => void) | undefined;
}

/** A tracker that starts as `connecting`. */
export function createStatusTracker(options: StatusTrackerOptions): StatusTracker {
  const { clock, logger, label, onStatus } = options;
  const status: { -readonly [K in keyof SourceStatus]: SourceStatus[K] } = idleStatus("connecting");
  const { lists } = status as { lists: Record<string, number> };
  /** The error logged last; kept over short recoveries, so that one that flaps is not logged each time. */
  let logged: string | undefined;
  /** The last failure was a 403. */
  let refused = false;
  const skips = createSkipTracker(logger, label);
  return {
    skips,
    snapshot: () => ({ ...status, lists: { ...lists }, skipped: skips.status() }),
    byte(at) {
      status.lastByte = at;
    },
    event(at, resourceVersion) {
      status.events++;
      status.lastEvent = at;
      status.resourceVersion = resourceVersion;
    },
    version(resourceVersion) {
      status.resourceVersion = resourceVersion;
    },
    listing(progress) {
      status.listing = progress;
    },
    listed(reason, resourceVersion) {
      status.listing = undefined;
      lists[reason] = (lists[reason] ?? 0) + 1;
      status.lastList = clock.now();
      status.resourceVersion = resourceVersion;
      onStatus?.();
    },
    opened() {
      status.watches++;
    },
    enter(state) {
      if (status.state === state) return;
      status.state = state;
      onStatus?.();
    },
    failed(error) {
      // An apiserver that was away refuses what it allows for its first seconds: its own rights are still being read.
      const starting = status.state === "unreachable" && error.code === "forbidden" && !refused;
      refused = error.code === "forbidden";
      if (!starting) status.state = STATE_OF[error.code];
      status.listing = undefined;
      status.lastError = error.message;
      if (!starting && logged !== error.message) {
        logged = error.message;
        // A version that is gone is part of the protocol; everything else is worth a warning.
        const level = status.state === "syncing" ? "info" : "warn";
        logger.log(level, `kubernetes: ${error.message}`, { code: error.code, status: error.status, reading: label });
      }
      onStatus?.();
    },
    recovered() {
      if (status.lastError === undefined) return;
      status.lastError = undefined;
      onStatus?.();
    },
    markStable() {
      if (logged === undefined) return;
      logged = undefined;
      logger.log("info", "kubernetes: in step with the apiserver again", { reading: label });
    },
  };
}
