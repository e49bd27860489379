import type { Logger } from "../base/log.ts";
import type { Change } from "../kubernetes/types.ts";
import type { SliceRecord } from "./records/slice-record.ts";
import type { SnapshotReader } from "./store/snapshot.ts";

/** `shared_size` in bytes; Infinity where there is none. */
export const sizeLimit = (sharedSize: string | undefined): number =>
  sharedSize === undefined ? Number.POSITIVE_INFINITY : Number.parseInt(sharedSize, 10) * 1024 * 1024;

/** Warns once when the snapshot's estimate grows over `shared_size`. Nothing is ever left out for it. */
export function sizeWatcher(sharedSize: string | undefined, reader: SnapshotReader, logger: Logger): () => void {
  const limit = sizeLimit(sharedSize);
  let warned = limit === Number.POSITIVE_INFINITY;
  return () => {
    if (warned) return;
    const { bytes } = reader.counts();
    if (bytes <= limit) return;
    warned = true;
    logger.log("warn", "The snapshot is larger than shared_size; all of it is kept", { bytes, limit });
  };
}

/** Different objects and notes that are logged: a cluster that makes them up gets no more of the log. */
const LOGGED = 200;

/** Logs once per object what of it was left out and why. */
export function notesWatcher(logger: Logger): (change: Change<SliceRecord>) => void {
  const logged = new Set<string>();
  const look = ({ namespace, name, service, notes }: SliceRecord): void => {
    for (const note of notes) {
      const key = `${namespace}/${name} ${note}`;
      if (logged.has(key) || logged.size >= LOGGED) continue;
      logged.add(key);
      const last = logged.size === LOGGED ? "; no more of such are logged" : "";
      const fields = { service: `${namespace}/${service}`, object: name };
      logger.log("warn", `A part of an object is left out: ${note}${last}`, fields);
    }
  };
  return (change) => {
    if (change.kind === "replace") for (const record of change.items) look(record);
    else if (change.kind === "put") look(change.item);
  };
}
