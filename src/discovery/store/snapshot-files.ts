import type { Files } from "../../platform/files.ts";

/** A cluster's place on disk for its last good snapshot. */
export interface SnapshotFile {
  readonly path: string;
  /** undefined: there is no such file. An error names the path. */
  read(): Promise<string | undefined>;
  /** Replaces the file as a whole. Does nothing once a client that was opened later has written. */
  write(text: string): Promise<void>;
}

/** The snapshot files of one gateway. */
export interface SnapshotFiles {
  open(path: string): SnapshotFile;
}

/**
 * Snapshot files over the runtime's. While changed settings wait for their first list two clients of one cluster run,
 * with one file: it is the older one's until the newer one writes, so neither undoes what its successor has written.
 */
export function createSnapshotFiles(files: Pick<Files, "exists" | "readText" | "writeAtomic">): SnapshotFiles {
  let opened = 0;
  const owners = new Map<string, number>();
  const writing = new Map<string, Promise<void>>();
  return {
    open(path) {
      const order = ++opened;
      const isOver = (): boolean => (owners.get(path) ?? 0) > order;
      return {
        path,
        read: async () => ((await files.exists(path)) ? await files.readText(path) : undefined),
        write(text) {
          if (isOver()) return Promise.resolve();
          owners.set(path, order);
          const before = writing.get(path) ?? Promise.resolve();
          const write = before.then(() => (isOver() ? undefined : files.writeAtomic(path, text)));
          writing.set(
            path,
            write.catch(() => {}),
          );
          return write;
        },
      };
    },
  };
}
