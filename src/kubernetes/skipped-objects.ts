import type { Logger } from "../base/log.ts";
import { InvalidObjectError, isRecord, type SkipReason, shorten } from "./errors.ts";
import type { Decoder, ObjectKey } from "./types.ts";

/** An object of a list or a watch that could not be read, and so was left out; whatever is in it, others are not. */
export interface SkippedObject extends ObjectKey {
  readonly reason: SkipReason;
  readonly why: string;
}

/** What a source could not read. */
export interface SkippedStatus {
  /** Objects that are left out now. */
  readonly count: number;
  /** The first of them. */
  readonly objects: readonly SkippedObject[];
  /** By reason, how often one was left out since the start: a list that has it again counts again. */
  readonly totals: Readonly<Partial<Record<SkipReason, number>>>;
}

/** What a Kubernetes name or namespace may not hold: with it two objects could share a key. */
const isName = (value: unknown): value is string => typeof value === "string" && value !== "" && !value.includes("/");

/** `metadata` of any object, as far as it can be read. `name` is "" where there is none that could be one. */
export function metadataOf(object: unknown): ObjectKey & { readonly resourceVersion: string | undefined } {
  const metadata = isRecord(object) && isRecord(object.metadata) ? object.metadata : {};
  const { name, namespace, resourceVersion } = metadata;
  return {
    namespace: isName(namespace) ? namespace : "",
    name: isName(name) ? name : "",
    resourceVersion: typeof resourceVersion === "string" && resourceVersion !== "" ? resourceVersion : undefined,
  };
}

/** Reads one object: what the receiver keeps of it (undefined: filtered out), or why it is left out. Never throws. */
export function tryDecode<T>(
  decode: Decoder<T>,
  object: unknown,
): { readonly item?: T | undefined; readonly skipped?: SkippedObject | undefined } {
  try {
    if (metadataOf(object).name === "") throw new InvalidObjectError("it has no metadata with a name", "identity");
    return { item: decode(object) };
  } catch (error) {
    return { skipped: skippedObject(object, error) };
  }
}

/** The note about an object that could not be read. */
export function skippedObject(object: unknown, error: unknown): SkippedObject {
  const { namespace, name } = metadataOf(object);
  const reason = error instanceof InvalidObjectError ? error.reason : "field";
  return {
    namespace: shorten(namespace, 253),
    name: shorten(name, 253),
    reason,
    why: shorten(String((error as Error).message), 200),
  };
}

/** Shown in a status. */
const SHOWN = 20;

/** Different objects and reasons that are logged: an apiserver that makes them up gets no more of the log. */
const LOGGED = 200;

/** Keeps account of what one source leaves out, and logs each object once for each reason. */
export interface SkipTracker {
  status(): SkippedStatus;
  /** A full list was read: these are the objects of it that could not be. */
  listed(objects: readonly SkippedObject[]): void;
  /** A watch event's object could not be read. */
  skipped(object: SkippedObject): void;
  /** This one could be read, or is gone. */
  taken(namespace: string, name: string): void;
}

const keyOf = ({ namespace, name }: ObjectKey): string => `${namespace}/${name}`;

/** Nothing is left out yet. `label`: what is read, for the log. */
export function createSkipTracker(logger: Logger, label: string): SkipTracker {
  const current = new Map<string, SkippedObject>();
  const totals: Partial<Record<SkipReason, number>> = {};
  const logged = new Set<string>();

  const skipped = (object: SkippedObject): void => {
    const { namespace, name, reason, why } = object;
    current.set(keyOf(object), object);
    totals[reason] = (totals[reason] ?? 0) + 1;
    const key = `${keyOf(object)} ${reason}`;
    if (logged.has(key) || logged.size >= LOGGED) return;
    logged.add(key);
    const last = logged.size === LOGGED ? "; no more of them are logged" : "";
    logger.log("warn", `kubernetes: an object is left out: ${why}${last}`, { reading: label, namespace, name, reason });
  };

  return {
    status: () => ({ count: current.size, objects: [...current.values()].slice(0, SHOWN), totals: { ...totals } }),
    listed(objects) {
      current.clear();
      for (const object of objects) skipped(object);
    },
    skipped,
    taken(namespace, name) {
      if (current.size > 0) current.delete(keyOf({ namespace, name }));
    },
  };
}
