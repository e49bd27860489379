import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { shorten } from "../../kubernetes/errors.ts";
import type { ClusterOptions } from "../options.ts";
import type { Snapshot } from "./snapshot.ts";
import type { SnapshotFile } from "./snapshot-files.ts";
import { decodeSnapshot, digest, encodeSnapshot, SnapshotFileError, type StoredSnapshot } from "./snapshot-format.ts";

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
  /** Why it could not be read or written, in words; null when all is well. */
  readonly error: string | null;
}

/** Keeps a cluster's last good snapshot in a file. */
export interface SnapshotPersister {
  /** What the file holds, if it is of this apiserver and can be used; it is told if not. Never rejects. */
  restore(server: string): Promise<StoredSnapshot | undefined>;
  /** Something was received. A write follows, soon, if it altered the snapshot. Costs nearly nothing. */
  received(): void;
  /** Writes what is not written yet. Never rejects. */
  close(): Promise<void>;
  status(): Omit<SnapshotFileStatus, "restored">;
}

export interface SnapshotPersisterOptions {
  readonly file: SnapshotFile;
  readonly config: ClusterOptions;
  readonly snapshot: Snapshot;
  /** False: a part of the cluster is not known yet, and a file without it would say that it does not exist. */
  readonly complete: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What must be equal for a file to be this cluster's: where it is read from, and through which selectors. */
export function snapshotIdentity(server: string, config: ClusterOptions): string {
  const { mode, namespaces, namespace_selector, label_selector, watch_endpoint_slices, resolve_service_ports } = config;
  const selectors = { namespaces, namespace_selector, label_selector, watch_endpoint_slices, resolve_service_ports };
  return JSON.stringify({ server, byRequest: mode === "request", ...selectors });
}

const listsOf = <T>(scopes: ReadonlyMap<string, ReadonlyMap<string, T>>): ReadonlyMap<string, readonly T[]> =>
  new Map([...scopes].map(([scope, records]) => [scope, [...records.values()]]));

/** A keeper; it does nothing until something is restored or received. */
export function createSnapshotPersister(options: SnapshotPersisterOptions): SnapshotPersister {
  const { file, config, snapshot, complete, clock, logger } = options;
  const breathe = (): Promise<void> => clock.sleep(0);
  let cluster: string | undefined;
  let writtenAt: number | undefined;
  let error: string | undefined;
  /** Reader-visible state at the last write; anything else is worth another one. */
  let written = snapshot.revision();
  /** Something came in since, if only a list that confirmed what was known: worth a write at the end. */
  let news = false;
  let cancel: (() => void) | undefined;
  let writing: Promise<void> | undefined;

  const fail = (what: string): void => {
    if (error !== what) logger.log("warn", `snapshot_file ${what}`, { path: file.path });
    error = what;
  };

  const write = async (): Promise<number> => {
    const started = clock.now();
    const revision = snapshot.revision();
    news = false;
    try {
      // All at one moment: what changes while it is written belongs to the next write.
      const stored = { written: started, slices: listsOf(snapshot.slices), services: listsOf(snapshot.services) };
      await file.write(await encodeSnapshot(stored, cluster!, breathe));
      written = revision;
      writtenAt = started;
      error = undefined;
    } catch (cause) {
      news = true;
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
        cluster = await digest(snapshotIdentity(server, config));
        const text = await file.read();
        if (text === undefined) return undefined;
        const stored = await decodeSnapshot(text, cluster, breathe);
        writtenAt = stored.written;
        return stored;
      } catch (cause) {
        const what = shorten((cause as Error).message);
        fail(`is ignored: ${cause instanceof SnapshotFileError ? `it ${what}` : what}`);
        return undefined;
      }
    },
    received() {
      news = true;
      if (cancel !== undefined || writing !== undefined || snapshot.revision() === written) return;
      if (cluster !== undefined && complete()) arm(SETTLE_MS);
    },
    async close() {
      cancel?.();
      await writing;
      cancel?.();
      if (news && cluster !== undefined && complete()) await write();
    },
    status: () => ({
      age: writtenAt === undefined ? null : Math.max(0, Math.round((clock.now() - writtenAt) / 100) / 10),
      error: error ?? null,
    }),
  };
}
