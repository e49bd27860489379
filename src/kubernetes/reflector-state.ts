import type { ApiError, ApiErrorCode } from "./errors.ts";
import type { WatchEvent } from "./watch-stream.ts";

/** Why a full list is made. */
export const LIST_REASONS = ["start", "gone", "too_large_version", "garbage", "error", "not_found"] as const;
/** The keys of `SourceStatus.lists`; a poller adds `poll`. */
export type ListReason = (typeof LIST_REASONS)[number];

/** A watch whose answer has begun. */
export interface OpenStream<T = unknown> {
  /** The first events (or end), already asked for. */
  readonly first: Promise<IteratorResult<readonly WatchEvent<T>[]>>;
  readonly events: AsyncIterator<readonly WatchEvent<T>[]>;
  /** When the answer's headers came, milliseconds since the epoch. */
  readonly openedAt: number;
  /** Events and bookmarks so far. */
  delivered: number;
  /** Ends the request and its watchdog. */
  close(): void;
}

/** Where a reflector stands. There is no other state: whatever it does next follows from this. */
export type ReflectorState<T = unknown> =
  /** It knows no version to watch from. Next: LIST, of the collection's first, second … form. */
  | {
      readonly at: "empty";
      readonly why: ListReason;
      /** What was seen already must not be un-seen; undefined: ask for the most recent state. */
      readonly notOlderThan: string | undefined;
    }
  /** A full list (or a watch that ended) left it at this version. Next: open a WATCH from there. */
  | { readonly at: "listed"; readonly version: string }
  /** The stream is open; its version moves on with each event. Next: take events until it ends. */
  | { readonly at: "watching"; version: string; readonly stream: OpenStream<T> };

/** What came of a state's one action. */
export type ActionOutcome<T = unknown> =
  | { readonly kind: "listed"; readonly version: string }
  | { readonly kind: "opened"; readonly version: string; readonly stream: OpenStream<T> }
  /** The server ended the stream in order. */
  | { readonly kind: "ended"; readonly version: string }
  /** Nothing came for `watchIdle`. */
  | { readonly kind: "silent"; readonly version: string }
  | { readonly kind: "failed"; readonly error: ApiError };

/** When the next action may start: at once, after a pause, or after a pause only if failures came before this one. */
export type RetryDelay = "at_once" | "pause" | "pause_if_repeated";

/** Where to go, and how fast. */
export interface Transition<T = unknown> {
  readonly next: ReflectorState<T>;
  readonly delay: RetryDelay;
}

/** Failures of a LIST or WATCH after which the known version is of no use. */
const RELIST_REASONS: Partial<Record<ApiErrorCode, ListReason>> = {
  gone: "gone",
  too_large_version: "too_large_version",
  // A server that calls our version malformed will do so again; one that dropped the resource knows none.
  rejected: "error",
  not_found: "not_found",
};

const versionOf = <T>(state: ReflectorState<T>): string | undefined =>
  state.at === "empty" ? state.notOlderThan : state.version;

function afterFailure<T>(state: ReflectorState<T>, error: ApiError): Transition<T> {
  const { code } = error;
  const forget = RELIST_REASONS[code];
  if (forget !== undefined) {
    const pace: RetryDelay = code === "gone" || code === "too_large_version" ? "pause_if_repeated" : "pause";
    return { next: { at: "empty", why: forget, notOlderThan: undefined }, delay: pace };
  }
  const version = versionOf(state);
  if (state.at === "empty" || version === undefined) return { next: state, delay: "pause" };
  // What the stream held cannot be trusted (garbage), or the server could not go on (an ERROR event): only a full list
  // is to be trusted again. A connection that broke is another matter: the version still holds.
  const inStream = state.at === "watching" && (code === "server" || code === "forbidden");
  if (code === "garbage" || inStream) {
    return {
      next: { at: "empty", why: code === "garbage" ? "garbage" : "error", notOlderThan: version },
      delay: "pause",
    };
  }
  return { next: { at: "listed", version }, delay: "pause" };
}

/**
 * The one function that moves a reflector. It does nothing but decide.
 *
 * @param healthy whether the stream that just ended had lived, or delivered, enough to call its end no error
 */
export function transition<T>(state: ReflectorState<T>, outcome: ActionOutcome<T>, healthy: boolean): Transition<T> {
  switch (outcome.kind) {
    case "listed":
      return { next: { at: "listed", version: outcome.version }, delay: "at_once" };
    case "opened":
      return {
        next: { at: "watching", version: outcome.version, stream: outcome.stream },
        delay: "at_once",
      };
    case "ended":
      return { next: { at: "listed", version: outcome.version }, delay: healthy ? "at_once" : "pause" };
    case "silent":
      return { next: { at: "listed", version: outcome.version }, delay: "at_once" };
    case "failed":
      return afterFailure(state, outcome.error);
  }
}
