import type { Files } from "../../src/platform/files.ts";

/** Files in memory, with a record of what was read. */
export interface MemoryFiles extends Files {
  readonly reads: string[];
  /** The paths that are watched now, once for each watch. */
  watched(): string[];
  set(path: string, text: string): void;
  delete(path: string): void;
}

/** Files in memory. Watching tells of every `set` and `delete` of a watched path at once. */
export function memoryFiles(initial: Readonly<Record<string, string>> = {}): MemoryFiles {
  const texts = new Map(Object.entries(initial));
  const reads: string[] = [];
  const watchers = new Set<{ paths: readonly string[]; onChange: () => void }>();
  const changed = (path: string): void => {
    for (const { paths, onChange } of watchers) if (paths.includes(path)) onChange();
  };
  return {
    reads,
    async readText(path) {
      reads.push(path);
      const text = texts.get(path);
      if (text === undefined) throw new Error(`cannot read ${path}: there is no such file`);
      return text;
    },
    exists: async (path) => texts.has(path),
    async writeAtomic(path, text) {
      texts.set(path, text);
      changed(path);
    },
    watch(paths, onChange) {
      const watcher = { paths, onChange };
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    watched: () => [...watchers].flatMap(({ paths }) => paths),
    set(path, text) {
      texts.set(path, text);
      changed(path);
    },
    delete(path) {
      texts.delete(path);
      changed(path);
    },
  };
}
