import { openAbortScope } from "./abort-scope.ts";
import { ApiError, describeCollection, type SkipReason } from "./errors.ts";
import { listAll, observed } from "./list-all.ts";
import { createPoller } from "./poller.ts";
import { createReflector, type ReflectorOptions, type StreamReport } from "./reflector.ts";
import type { SkippedStatus } from "./skipped-objects.ts";
import type { ChangeSource, SourceStatus } from "./types.ts";
import { isOlder } from "./versions.ts";

export interface AutoSourceOptions<T> extends Omit<ReflectorOptions<T>, "onStream"> {
  /** Milliseconds between lists while watches do not work. */
  readonly interval: number;
  /** How many objects the receiver holds: a list with fewer of them shows a deletion that the watch missed. */
  readonly objectCount: () => number;
}

/** A stream that ends sooner was cut by something between us and the apiserver, milliseconds. */
const EARLY_DEATH_MS = 10_000;
/** Where a list fails too, no other list assesses a stream sooner: an apiserver in trouble is spared. */
const LIST_AGAIN_MS = 30_000;
/** So many bad streams in a row, and watching is given up for a while. */
const PATIENCE = 3;
/** For how long, milliseconds. */
const POLLING_MS = 300_000;

/** How the collection is followed now. */
type Mode =
  /** `patience`: bad streams until polling begins. */
  { readonly at: "watching"; readonly patience: number } | { readonly at: "polling" };

const addSkipped = (a: SkippedStatus | undefined, b: SkippedStatus | undefined): SkippedStatus | undefined => {
  if (a === undefined || b === undefined) return b ?? a;
  const totals = { ...a.totals };
  for (const [reason, count] of Object.entries(b.totals) as [SkipReason, number][]) {
    totals[reason] = (totals[reason] ?? 0) + count;
  }
  return { ...b, totals };
};

const add = (a: SourceStatus, b: SourceStatus): SourceStatus => {
  const lists: Record<string, number> = { ...a.lists };
  for (const [reason, count] of Object.entries(b.lists)) lists[reason] = (lists[reason] ?? 0) + count;
  return {
    ...b,
    resourceVersion: b.resourceVersion ?? a.resourceVersion,
    lastByte: b.lastByte ?? a.lastByte,
    lastEvent: b.lastEvent ?? a.lastEvent,
    lastList: b.lastList ?? a.lastList,
    lists,
    skipped: addSkipped(a.skipped, b.skipped),
    watches: a.watches + b.watches,
    events: a.events + b.events,
  };
};

/**
 * Watches where that works, and polls where it does not: something between us and the apiserver may cut streams,
 * refuse them, or hold their bytes back. After three bad streams in a row (they died within 10 s or never began, or
 * went silent while a list shows a change) it polls for five minutes, then tries a watch again; one bad stream is
 * enough then. An apiserver that is away is no reason: a stream counts as bad only if a list works.
 */
export function createAutoSource<T>(options: AutoSourceOptions<T>): ChangeSource {
  const { api, collections, decode, clock, logger, interval, objectCount } = options;
  const label = describeCollection(collections[0]!);
  let mode: Mode = { at: "watching", patience: PATIENCE };

  /** No list assesses a stream before then, ms since the epoch. */
  let listAgain = 0;

  /** Whether a list, which works although the stream was poor, proves that watching does not. */
  const isBad = async (report: StreamReport, known: number, signal: AbortSignal): Promise<boolean> => {
    const { lived, delivered, end, version } = report;
    const early = lived < EARLY_DEATH_MS;
    if (!early && delivered > 0 && end !== "silent") return false;
    if (clock.now() < listAgain) return false;
    for (const collection of collections) {
      let newer = false;
      let listed = 0;
      const observing = observed(decode, ({ resourceVersion = "" }, item) => {
        if (item !== undefined) listed++;
        newer ||= isOlder(version, resourceVersion);
      });
      try {
        const { skipped } = await listAll({ api, collection, decode: observing }, signal);
        return early || newer || listed + skipped.length < known;
      } catch (error) {
        // If nothing can be listed, it is not the watch that is at fault.
        if (error instanceof ApiError && error.code === "not_found") continue;
        break;
      }
    }
    listAgain = clock.now() + LIST_AGAIN_MS;
    return false;
  };

  /** What sources before the current one counted. */
  let past: SourceStatus | undefined;
  let current: ChangeSource = createReflector(options);
  const total = (): SourceStatus => (past === undefined ? current.status : add(past, current.status));
  const use = (next: ChangeSource): void => {
    past = total();
    current = next;
  };

  /** Watches until it proves not to work. A reflector of its own each time: an old version must not be resumed. */
  const watch = async (signal: AbortSignal): Promise<void> => {
    const scope = openAbortScope(signal, clock);
    let assessing: Promise<void> = Promise.resolve();
    const assess = async (report: StreamReport, known: number): Promise<void> => {
      if (scope.signal.aborted || mode.at !== "watching") return;
      const bad = await isBad(report, known, scope.signal);
      if (scope.signal.aborted) return;
      mode = { at: "watching", patience: bad ? mode.patience - 1 : PATIENCE };
      if (mode.patience > 0) return;
      mode = { at: "polling" };
      const minutes = POLLING_MS / 60_000;
      logger.log("warn", `kubernetes: watches do not work here: polling, and trying again in ${minutes} minutes`, {
        reading: label,
      });
      scope.close();
    };
    use(
      createReflector({
        ...options,
        onStream(report) {
          const known = objectCount();
          assessing = assessing.then(() => assess(report, known));
        },
      }),
    );
    try {
      await current.run(scope.signal);
      await assessing;
    } finally {
      scope.close();
    }
  };

  const poll = async (signal: AbortSignal): Promise<void> => {
    const scope = openAbortScope(signal, clock);
    scope.deadline(POLLING_MS, "polled long enough");
    use(createPoller({ ...options, interval }));
    try {
      await current.run(scope.signal);
      mode = { at: "watching", patience: 1 };
    } finally {
      scope.close();
    }
  };

  return {
    get status() {
      return total();
    },
    async run(signal) {
      while (!signal.aborted) {
        if (mode.at === "watching") await watch(signal);
        else await poll(signal);
      }
    },
  };
}
