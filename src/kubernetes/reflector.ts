import { createKindsOfBackoff } from "./backoff.ts";
import {
  ApiError,
  type ApiErrorCode,
  describeCollection,
  describeTarget,
  type ErrorContext,
  InvalidObjectError,
  toApiError,
} from "./errors.ts";
import { createFullLister } from "./full-list.ts";
import { deliver, type ListProgress, replaceBy } from "./list-all.ts";
import { type ActionOutcome, type ReflectorState, transition } from "./reflector-state.ts";
import { metadataOf, tryDecode } from "./skipped-objects.ts";
import type { SourceOptions } from "./source-options.ts";
import { createStatusTracker } from "./source-status.ts";
import type { Change, ChangeSource, Collection } from "./types.ts";
import { isOlder } from "./versions.ts";
import type { WatchEvent } from "./watch-stream.ts";

/** How a watch stream went; one that got no answer failed after 0 ms. */
export interface StreamReport {
  /** Milliseconds from the answer's headers to the end. */
  readonly lived: number;
  /** Events and bookmarks it delivered. */
  readonly delivered: number;
  /** How it ended: by the server in order, silent past `watchIdle`, or with an error. */
  readonly end: "ended" | "silent" | "failed";
  /** The version it had come to. */
  readonly version: string;
}

export interface ReflectorOptions<T> extends SourceOptions<T> {
  /** Milliseconds a stream may be silent before it is reopened. */
  readonly watchIdle: number;
  /** Seconds a watch is asked to last, at least and at most. @default 240 to 290 */
  readonly watchSeconds?: { readonly min: number; readonly max: number } | undefined;
  readonly onStream?: ((report: StreamReport) => void) | undefined;
}

/** A watch that lived this long was healthy, whatever it delivered. */
const HEALTHY_MS = 5000;

/** Within this time after an apiserver is back, its version gone, lists begin. */
const RETURN_SPREAD_MS = 1000;

/**
 * `timeoutSeconds` of a watch, spread so that many gateways do not come back together. The upper end stays below the
 * 300 s after which Bun's fetch gives up a silent body.
 */
export const WATCH_SECONDS_MIN = 240;
export const WATCH_SECONDS_MAX = 290;

/**
 * Keeps a receiver in step with a collection: LIST, then WATCH from the list's version, for ever. It never hands over
 * anything but a complete list or an event in its order, so an error can never shrink what the receiver holds.
 *
 * `run` may be called again after it ended, one at a time: it resumes from the version it had.
 */
export function createReflector<T>(options: ReflectorOptions<T>): ChangeSource {
  const { api, collections, decode, apply, clock, random, logger, watchIdle, onStream } = options;
  let state: ReflectorState<T> = { at: "empty", why: "start", notOlderThan: undefined };
  let form = 0;
  const collection = (): Collection => collections[form]!;
  const backoff = createKindsOfBackoff<ApiErrorCode>(random, options.pauses);
  const label = describeCollection(collections[0]!);
  const tracker = createStatusTracker({ clock, logger, label, onStatus: options.onStatus });
  const onPart = (progress?: ListProgress): void => {
    tracker.byte(clock.now());
    tracker.listing(progress);
    tracker.enter("syncing");
  };
  const listFully = createFullLister({ api, decode, clock, logger, onPart });

  const list = async (from: ReflectorState<T> & { at: "empty" }, signal: AbortSignal): Promise<ActionOutcome<T>> => {
    for (let tried = 1; ; tried++) {
      try {
        const query = { collection: collection(), notOlderThan: from.notOlderThan, again: from.why !== "start" };
        const full = await listFully(query, signal);
        deliver(apply, replaceBy(full));
        tracker.skips.listed(full.skipped);
        tracker.listed(from.why, full.resourceVersion);
        return { kind: "listed", version: full.resourceVersion };
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== "not_found" || tried >= collections.length) throw error;
        form = (form + 1) % collections.length;
        logger.log("info", `kubernetes: trying ${collection().groupVersion}: ${error.message}`);
      }
    }
  };

  const open = async (version: string, signal: AbortSignal): Promise<ActionOutcome<T>> => {
    const controller = new AbortController();
    const follow = (): void => controller.abort(signal.reason);
    signal.addEventListener("abort", follow, { once: true });
    let lastByte = clock.now();
    let cancelWatchdog: (() => void) | undefined;
    let cancelProof: (() => void) | undefined;
    const close = (): void => {
      cancelWatchdog?.();
      cancelProof?.();
      signal.removeEventListener("abort", follow);
      controller.abort();
      events.return?.().catch(() => {});
    };
    // One timer, armed again only when it fires: a busy stream moves a number per chunk, not a timer.
    const watchdog = (ms: number): void => {
      cancelWatchdog = clock.after(ms, () => {
        const left = lastByte + watchIdle - clock.now();
        if (left <= 0) controller.abort(SILENT);
        else watchdog(left);
      });
    };
    const began = Promise.withResolvers<void>();
    const onBytes = (): void => {
      lastByte = clock.now();
      tracker.byte(lastByte);
      began.resolve();
    };
    const { min, max } = options.watchSeconds ?? { min: WATCH_SECONDS_MIN, max: WATCH_SECONDS_MAX };
    const timeoutSeconds = min + Math.floor(random() * (max - min + 1));
    const query = { resourceVersion: version, timeoutSeconds };
    const reading = { signal: controller.signal, onBytes, read: decode.fromBytes };
    const events = api.watch(collection(), query, reading)[Symbol.asyncIterator]();
    tracker.opened();
    const first = events.next();
    try {
      await Promise.race([began.promise, first]);
    } catch (error) {
      close();
      throw error;
    }
    watchdog(watchIdle);
    cancelProof = clock.after(HEALTHY_MS, tracker.markStable);
    return { kind: "opened", version, stream: { first, events, openedAt: lastByte, delivered: 0, close } };
  };

  /** What an event about an object means to the receiver; undefined: nothing, since it cannot be read. */
  const changeOf = (event: ObjectEvent<T>): Change<T> | undefined => {
    if (event.type === "UNREADABLE") {
      tracker.skips.skipped(event.skipped);
      return undefined;
    }
    if (event.type === "READ") {
      const { namespace, name, item } = event.object;
      tracker.skips.taken(namespace, name);
      return item === undefined || event.deleted ? { kind: "remove", namespace, name } : { kind: "put", item };
    }
    const { namespace, name } = metadataOf(event.object);
    const found = event.type === "DELETED" && name !== "" ? { item: undefined } : tryDecode(decode, event.object);
    if (found.skipped !== undefined) {
      tracker.skips.skipped(found.skipped);
      return undefined;
    }
    tracker.skips.taken(namespace, name);
    return found.item !== undefined ? { kind: "put", item: found.item } : { kind: "remove", namespace, name };
  };

  const takeEvent = (watching: ReflectorState<T> & { at: "watching" }, event: WatchEvent<T>): void => {
    if (event.type === "ERROR") throw event.error;
    if (watching.stream.delivered++ === 0) tracker.markStable();
    const version = versionOfEvent(event) ?? watching.version;
    // Bytes that came twice, or a server whose history is another one: taking it in would bring back what is gone.
    if (isOlder(version, watching.version)) {
      throw new InvalidObjectError(`the watch went back from version ${watching.version} to ${version}`);
    }
    if (event.type === "BOOKMARK") tracker.version(version);
    else {
      const change = changeOf(event);
      if (change !== undefined) deliver(apply, change);
      tracker.event(clock.now(), version);
    }
    watching.version = version;
  };

  const follow = async (watching: ReflectorState<T> & { at: "watching" }): Promise<ActionOutcome<T>> => {
    const { stream } = watching;
    tracker.enter("watching");
    tracker.recovered();
    try {
      for (let result = await stream.first; !result.done; result = await stream.events.next()) {
        for (const event of result.value) takeEvent(watching, event);
      }
      return { kind: "ended", version: watching.version };
    } catch (error) {
      if (error !== SILENT) throw error;
      // A kind that does not change gets no bookmarks either: routine on a quiet cluster.
      logger.log("debug", `kubernetes: a watch was silent for ${watchIdle} ms: opening it anew`, { reading: label });
      tracker.enter("connecting");
      return { kind: "silent", version: watching.version };
    } finally {
      stream.close();
    }
  };

  /** Does what the state asks for. An error of the apiserver is an outcome; only an abort of `signal` rejects. */
  const act = async (signal: AbortSignal): Promise<ActionOutcome<T>> => {
    try {
      switch (state.at) {
        case "empty":
          return await list(state, signal);
        case "listed":
          return await open(state.version, signal);
        case "watching":
          return await follow(state);
      }
    } catch (error) {
      signal.throwIfAborted();
      const verb = state.at === "empty" ? "list" : "watch";
      return { kind: "failed", error: toApiError(error, { verb, collection: collection(), server: api.server }) };
    }
  };

  /** One move: act, decide, and wait as long as the decision asks for. */
  const step = async (signal: AbortSignal): Promise<void> => {
    const from = state;
    const outcome = await act(signal);
    const { healthy, lived } = assessStream(from, outcome);
    const { next, delay: pace } = transition(from, outcome, healthy);
    state = next;
    if (healthy) backoff.reset();
    if (pace === "at_once") return;
    const error =
      outcome.kind === "failed" ? outcome.error : endedTooSoon(lived, { collection: collection(), server: api.server });
    tracker.failed(error);
    const { failing } = backoff;
    const { pause: grown, repeated } = backoff.next(error.code, error.retryAfterMs);
    const atOnce = pace === "pause_if_repeated" && !repeated;
    if (atOnce && !failing) return;
    // Many gateways have waited for the apiserver to come back: they do not all list in the same moment.
    const pause = atOnce ? random() * RETURN_SPREAD_MS : grown;
    logger.log("debug", `kubernetes: next attempt in ${Math.round(pause)} ms`, { reading: label });
    await clock.sleep(pause, signal);
  };

  /** Whether the stream that is over, if one is, was healthy; reports it to `onStream`. */
  const assessStream = (from: ReflectorState<T>, outcome: ActionOutcome<T>): { healthy: boolean; lived: number } => {
    // A server that says when to come back answers well enough: there was no stream to assess.
    if (from.at === "listed" && outcome.kind === "failed" && outcome.error.retryAfterMs === undefined) {
      onStream?.({ lived: 0, delivered: 0, end: "failed", version: from.version });
    }
    if (from.at !== "watching") return { healthy: false, lived: 0 };
    const { openedAt, delivered } = from.stream;
    const lived = clock.now() - openedAt;
    const end = outcome.kind === "ended" || outcome.kind === "silent" ? outcome.kind : "failed";
    onStream?.({ lived, delivered, end, version: from.version });
    // An event proves the connection, not the data: a stream of garbage heals nothing by its first good line.
    const broke = outcome.kind === "failed" && outcome.error.code !== "unreachable";
    return { healthy: lived >= HEALTHY_MS || (delivered > 0 && !broke), lived };
  };

  return {
    get status() {
      return tracker.snapshot();
    },
    async run(signal) {
      try {
        while (!signal.aborted) await step(signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        // A later run cannot take up a stream that was closed.
        if (state.at === "watching") {
          state.stream.close();
          state = { at: "listed", version: state.version };
        }
      }
    },
  };
}

/** An event about an object. */
type ObjectEvent<T> = Exclude<WatchEvent<T>, { type: "BOOKMARK" | "ERROR" }>;

function versionOfEvent<T>(event: Exclude<WatchEvent<T>, { type: "ERROR" }>): string | undefined {
  if (event.type === "BOOKMARK") return event.resourceVersion;
  if (event.type === "UNREADABLE") return undefined;
  return event.type === "READ" ? event.object.resourceVersion : metadataOf(event.object).resourceVersion;
}

/** The reason with which the watchdog aborts a stream. */
const SILENT = Symbol("the watch was silent");

function endedTooSoon(lived: number, of: Pick<ErrorContext, "collection" | "server">): ApiError {
  const text = `cannot watch${describeTarget(of)}: the apiserver ended the watch without an event`;
  return new ApiError("server", lived >= HEALTHY_MS ? text : `${text}, sooner than ${HEALTHY_MS / 1000} s`);
}
