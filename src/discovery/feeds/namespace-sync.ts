import type { Clock } from "../../base/clock.ts";
import type { ClientState } from "../../kubernetes/types.ts";
import { isDefinite, worstState } from "../cluster-status.ts";
import type { ConditionVariable } from "../condition-variable.ts";
import type { TrackedSource } from "./tracked-source.ts";

/** How far one namespace's (or all namespaces') part of a cluster is known. */
export interface NamespaceSync {
  /** Its first full list is in, or what a file holds of one. Services that may not be read are not waited for. */
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
  /** Resolves when `synced`, or when a source's state says that it will not be soon. Shared by all who wait. */
  settled(): Promise<void>;
  /** Resolves when `age` is at most this, or when the state says that it will not be soon. Shared by all who wait. */
  freshened(maxAge: number): Promise<void>;
}

/** How often a wait for a watch's sign of life looks again: each byte is too small an event to announce. */
const LOOK_AGAIN_MS = 20;

/** The sync of these sources. */
export function createNamespaceSync(options: {
  readonly endpoints: TrackedSource;
  readonly services: TrackedSource | undefined;
  readonly clock: Clock;
  readonly condition: ConditionVariable;
  /** False: the sources do not run any more, waiting is in vain. */
  running(): boolean;
}): NamespaceSync {
  const { endpoints, services, clock, condition, running } = options;
  const sources = services === undefined ? [endpoints] : [endpoints, services];
  const stateOf = (source: TrackedSource): ClientState => source.report().status.state;
  const failed = (source: TrackedSource): boolean => {
    const state = stateOf(source);
    return !source.synced && (isDefinite(state) || state === "unreachable");
  };
  const hopeful = (): boolean => running() && !sources.some(failed);
  let settling: Promise<void> | undefined;
  let freshening: Promise<void> | undefined;
  /** What was so once stays so: this is asked for every request. */
  const once = (part: "synced" | "listed"): (() => boolean) => {
    let reached = false;
    return () => {
      reached ||= endpoints[part] && (services === undefined || services[part] || isDefinite(stateOf(services)));
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
    const refresh = endpoints.source?.refresh;
    if (refresh !== undefined) return refresh().catch(() => {});
    while (age() > maxAge && running() && !isDefinite(stateOf(endpoints))) await clock.sleep(LOOK_AGAIN_MS);
  };

  return {
    synced,
    listed: once("listed"),
    state: () => worstState(sources.map(stateOf)),
    lastError: () => sources.map((source) => source.report().status.lastError).find((text) => text !== undefined),
    age,
    hopeful,
    settled() {
      settling ??= condition
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
