import type { Change } from "../kubernetes/types.ts";
import type { Logger } from "../log.ts";
import type { SliceRecord } from "./slice-record.ts";
import type { SnapshotReader } from "./snapshot.ts";

/** `shared_size` in bytes; Infinity where there is none. */
export const sizeLimit = (sharedSize: string | undefined): number =>
  sharedSize === undefined ? Number.POSITIVE_INFINITY : Number.parseInt(sharedSize, 10) * 1024 * 1024;

/** Says once when the snapshot's estimate grows over `shared_size`. Nothing is ever left out for it. */
export function sizeWatcher(sharedSize: string | undefined, reader: SnapshotReader, logger: Logger): () => void {
  const limit = sizeLimit(sharedSize);
  let said = limit === Number.POSITIVE_INFINITY;
  return () => {
    if (said) return;
    const { bytes } = reader.counts();
    if (bytes <= limit) return;
    said = true;
    logger.log("warn", "The snapshot is larger than shared_size; all of it is kept", { bytes, limit });
  };
}

/** Says once per service that the control plane cut its Endpoints object at 1,000 addresses. */
export function truncationWatcher(logger: Logger): (change: Change<SliceRecord>) => void {
  const said = new Set<string>();
  const look = ({ namespace, name, truncated }: SliceRecord): void => {
    const key = `${namespace}/${name}`;
    if (!truncated || said.has(key)) return;
    said.add(key);
    logger.log("warn", "An Endpoints object holds only 1,000 of its addresses: set watch_endpoint_slices: true", {
      service: key,
    });
  };
  return (change) => {
    if (change.kind === "replace") for (const record of change.items) look(record);
    else if (change.kind === "put") look(change.item);
  };
}
