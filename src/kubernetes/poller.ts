import { orAborted } from "./abort-scope.ts";
import { createKindsOfBackoff } from "./backoff.ts";
import { ApiError, type ApiErrorCode, describeCollection, toApiError } from "./errors.ts";
import { deliver, type ListProgress, listAll, observed, replaceBy } from "./list-all.ts";
import type { SourceOptions } from "./source-options.ts";
import { createStatusTracker } from "./source-status.ts";
import type { ChangeSource } from "./types.ts";

export interface PollerOptions<T> extends SourceOptions<T> {
  /** Milliseconds from the start of one list to the start of the next. */
  readonly interval: number;
}

/** How much of the interval is left to chance, both ways. */
const JITTER = 0.1;

/** A source that lists again and again. */
export interface Poller extends ChangeSource {
  /**
   * Lists now, or shares the list that is under way. Rejects with the `ApiError` when it fails, and at once while the
   * pause after a failure lasts; with the signal's reason when that aborts, which stops only this caller's wait.
   */
  refresh(signal?: AbortSignal): Promise<void>;
}

/** Keeps a receiver in step by listing at an interval: for where long-lived streams are not allowed. */
export function createPoller<T>(options: PollerOptions<T>): Poller {
  const { api, collections, decode, apply, clock, random, logger, interval } = options;
  let form = 0;
  let version: string | undefined;
  let fingerprint: string | undefined;
  let running: Promise<void> | undefined;
  /** After a failure: what it was, and when the next attempt may start. */
  let pausing: { until: number; error: ApiError } | undefined;
  const stopped = new Set<AbortController>();
  const backoff = createKindsOfBackoff<ApiErrorCode>(random, options.pauses);
  const label = describeCollection(collections[0]!);
  const tracker = createStatusTracker({ clock, logger, label, onStatus: options.onStatus });

  const list = async (signal: AbortSignal): Promise<void> => {
    // Equal versions of all objects mean equal objects: then no reader is disturbed. One object without a version, as a
    // simple server may send it, and every list counts as a change.
    const versions: string[] = [];
    let known = true;
    const observing = observed(decode, ({ namespace, name, resourceVersion }) => {
      if (resourceVersion === undefined) known = false;
      versions.push(`${namespace}/${name}@${resourceVersion}`);
    });
    const onPage = (progress: ListProgress): void => {
      tracker.byte(clock.now());
      tracker.listing(progress);
      if (fingerprint === undefined) tracker.enter("syncing");
    };
    const full = await listAll(
      { api, collection: collections[form]!, decode: observing, notOlderThan: version, onPage },
      signal,
    );
    const seen = versions.sort().join("\n");
    if (!known || seen !== fingerprint) deliver(apply, replaceBy(full));
    tracker.skips.listed(full.skipped);
    fingerprint = seen;
    version = full.resourceVersion;
  };

  /** One list, in the form the server knows; never older than the one before. */
  const attempt = async (signal: AbortSignal): Promise<void> => {
    for (let tried = 1; ; tried++) {
      try {
        return await list(signal);
      } catch (cause) {
        signal.throwIfAborted();
        const error = toApiError(cause, { verb: "list", collection: collections[form]!, server: api.server });
        if (error.code === "gone" || error.code === "too_large_version") {
          // Without a version there is none to be too old or too new: the next try is the last.
          if (version === undefined) throw error;
          version = undefined;
        } else if (error.code === "not_found" && tried < collections.length) {
          form = (form + 1) % collections.length;
        } else {
          throw error;
        }
      }
    }
  };

  const poll = async (signal: AbortSignal): Promise<void> => {
    try {
      await attempt(signal);
      pausing = undefined;
      backoff.reset();
      tracker.listed("poll", version!);
      tracker.enter("polling");
      tracker.recovered();
      tracker.markStable();
    } catch (cause) {
      signal.throwIfAborted();
      const error = cause instanceof ApiError ? cause : toApiError(cause, { verb: "list", server: api.server });
      pausing = { until: clock.now() + backoff.next(error.code, error.retryAfterMs).pause, error };
      tracker.failed(error);
      throw error;
    }
  };

  /** Single flight: a list that is under way is shared. */
  const share = (): Promise<void> => {
    if (running !== undefined) return running;
    const controller = new AbortController();
    stopped.add(controller);
    running = poll(controller.signal).finally(() => {
      running = undefined;
      stopped.delete(controller);
    });
    return running;
  };

  /** From the start of a list that began at `started` to the next: whole intervals, so one that overran is skipped. */
  const untilNext = (started: number): number => {
    const now = clock.now();
    if (pausing !== undefined) return Math.max(0, pausing.until - now);
    const step = interval * (1 + (random() * 2 - 1) * JITTER);
    const elapsed = now - started;
    return step * (Math.floor(elapsed / step) + 1) - elapsed;
  };

  return {
    get status() {
      return tracker.snapshot();
    },
    refresh(signal) {
      if (running === undefined && pausing !== undefined && clock.now() < pausing.until) {
        return Promise.reject(pausing.error);
      }
      const shared = share();
      return signal === undefined ? shared : orAborted(signal, shared);
    },
    async run(signal) {
      const stop = (): void => {
        for (const controller of stopped) controller.abort(signal.reason);
      };
      signal.addEventListener("abort", stop, { once: true });
      try {
        while (!signal.aborted) {
          const started = clock.now();
          // The error is in the status already, and the pause that follows it in `untilNext`.
          await share().catch(() => {});
          await clock.sleep(untilNext(started), signal);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        signal.removeEventListener("abort", stop);
      }
    },
  };
}
