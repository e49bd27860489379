import { shorten } from "../../kubernetes/errors.ts";
import type { ClusterOptions } from "../options.ts";
import type { ClusterStore } from "./cluster-store.ts";
import type { SnapshotFile } from "./snapshot-files.ts";
import {
  decodeSnapshot,
  digest,
  encodeSnapshot,
  SnapshotFileError,
  type StoredSnapshot,
  storedSnapshot,
} from "./snapshot-format.ts";

/** At most one write in so many milliseconds, however much changes. */
const PAUSE_MS = 5000;

/** A change is rarely alone: what follows it within this time goes into the same write. */
const SETTLE_MS = 1000;

/** Writing takes at most this part of the time: a file of a large cluster takes a while to make. */
const DUTY = 0.05;

/** What `/status` shows of a snapshot file. */
export interface SnapshotFileStatus {
  /** Seconds since it was written; null: there is none yet that can be used. */
  readonly age: number | null;
  /** True: what is served comes from it, at least in part; no list has confirmed it yet. */
  readonly restored: boolean;
  /** Why it could not be read or written; null when all is well. */
  readonly error: string | null;
}

/** Keeps a cluster's last good snapshot in a file. */
export interface SnapshotPersister {
  /** What the file holds, if it is of this apiserver and can be used; the log says why not. Never rejects. */
  restore(server: string): Promise<StoredSnapshot | undefined>;
  /** Something was received. A write follows, soon, if it altered the snapshot. Costs nearly nothing. */
  received(): void;
  /** Writes what is not written yet. Never rejects. */
  close(): Promise<void>;
  status(): Omit<SnapshotFileStatus, "restored">;
}

/** Digest of what must be equal for a stored snapshot to be this cluster's: where it is from, and the selectors. */
export function snapshotIdentity(server: string, config: ClusterOptions): Promise<string> {
  const { mode, namespaces, namespace_selector, label_selector, watch_endpoint_slices, resolve_service_ports } = config;
  const selectors = { namespaces, namespace_selector, label_selector, watch_endpoint_slices, resolve_service_ports };
  return digest(JSON.stringify({ server, byRequest: mode === "request", ...selectors }));
}

/**
 * A persister; it does nothing until something is restored or received. It writes only what is synced: a file without a
 * part of the cluster would say that it does not exist.
 */
export function createSnapshotPersister(store: ClusterStore, file: SnapshotFile): SnapshotPersister {
  const { config, snapshot, clock, logger } = store;
  const yieldTurn = (): Promise<void> => clock.sleep(0);
  let cluster: string | undefined;
  let writtenAt: number | undefined;
  let error: string | undefined;
  /** Reader-visible state at the last write; anything else is worth another one. */
  let written = snapshot.revision();
  /** Something came in since, if only a list that confirmed what was known: worth a write at the end. */
  let dirty = false;
  let cancel: (() => void) | undefined;
  let writing: Promise<void> | undefined;

  const fail = (what: string): void => {
    if (error !== what) logger.log("warn", `snapshot_file ${what}`, { path: file.path });
    error = what;
  };

  const write = async (): Promise<number> => {
    const started = clock.now();
    const revision = snapshot.revision();
    dirty = false;
    try {
      // All at one moment: what changes while it is written belongs to the next write.
      await file.write(await encodeSnapshot(storedSnapshot(snapshot, started), cluster!, yieldTurn));
      written = revision;
      writtenAt = started;
      error = undefined;
    } catch (cause) {
      dirty = true;
      fail(`cannot be written: ${shorten((cause as Error).message)}`);
    }
    return clock.now() - started;
  };

  const arm = (pause: number): void => {
    cancel = clock.after(pause, () => {
      cancel = undefined;
      if (snapshot.revision() === written) return;
      writing = write().then((took) => {
        writing = undefined;
        arm(Math.max(PAUSE_MS, took / DUTY));
      });
    });
  };

  return {
    async restore(server) {
      try {
        cluster = await snapshotIdentity(server, config);
        const text = await file.read();
        if (text === undefined) return undefined;
        const stored = await decodeSnapshot(text, cluster, yieldTurn);
        writtenAt = stored.written;
        return stored;
      } catch (cause) {
        const what = shorten((cause as Error).message);
        fail(`is ignored: ${cause instanceof SnapshotFileError ? `it ${what}` : what}`);
        return undefined;
      }
    },
    received() {
      dirty = true;
      if (cancel !== undefined || writing !== undefined || snapshot.revision() === written) return;
      if (cluster !== undefined && store.synced()) arm(SETTLE_MS);
    },
    async close() {
      cancel?.();
      await writing;
      cancel?.();
      if (dirty && cluster !== undefined && store.synced()) await write();
    },
    status: () => ({
      age: writtenAt === undefined ? null : Math.max(0, Math.round((clock.now() - writtenAt) / 100) / 10),
      error: error ?? null,
    }),
  };
}
