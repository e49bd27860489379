import { type BigIntStats, type FSWatcher, statSync, watch as watchDirectory } from "node:fs";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Files } from "./runtime.ts";

/** How often files are looked at where no event tells of a change: some volumes and file systems send none. */
const POLL_MS = 500;
/** A change is told when the files have been still for this long, so that a file written in steps counts once. */
const SETTLE_MS = 40;

/** What differs when a file's content may differ; following symlinks, so that a ConfigMap's swap shows. */
const mark = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;

const markNow = (path: string): string => {
  try {
    return mark(statSync(path, { bigint: true }));
  } catch {
    return "absent";
  }
};

const markSoon = (path: string): Promise<string> => stat(path, { bigint: true }).then(mark, () => "absent");

const explain = (path: string, error: unknown): Error => {
  const code = (error as NodeJS.ErrnoException).code;
  const words: Record<string, string> = {
    ENOENT: "there is no such file",
    EACCES: "permission denied",
    EISDIR: "it is a directory",
    ENOTDIR: "a part of the path is not a directory",
  };
  return new Error(`cannot read ${path}: ${words[code ?? ""] ?? (error as Error).message}`, { cause: error });
};

/** Calls `onChange` when one of the files changes. Returns the function that stops it. */
function watchFiles(paths: readonly string[], onChange: () => void): () => void {
  const watchers: FSWatcher[] = [];
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = Number.POSITIVE_INFINITY;
  // At once and not soon: a change right after this call is a change.
  let known = paths.map(markNow).join("\n");

  const schedule = (ms: number, seen?: string): void => {
    if (stopped) return;
    clearTimeout(timer);
    due = performance.now() + ms;
    timer = setTimeout(() => void check(seen), ms);
    // Watching files must not be what keeps the process alive.
    timer.unref?.();
  };

  /** `seen` is what the last look found, if it differed from what is known: equal again, and it is settled. */
  const check = async (seen: string | undefined): Promise<void> => {
    const now = (await Promise.all(paths.map(markSoon))).join("\n");
    if (stopped) return;
    if (now === known) return schedule(POLL_MS);
    if (now !== seen) return schedule(SETTLE_MS, now);
    known = now;
    schedule(POLL_MS);
    onChange();
  };

  /** A directory in constant motion must not put the look off for ever: one that is due soon stays due. */
  const hurry = (): void => {
    if (due - performance.now() > SETTLE_MS) schedule(SETTLE_MS / 2);
  };

  // An event only makes the next look come sooner: events differ from system to system, looking does not.
  for (const directory of new Set(paths.map((path) => dirname(path)))) {
    try {
      const watcher = watchDirectory(directory, { persistent: false }, hurry);
      watcher.on("error", () => watcher.close());
      watchers.push(watcher);
    } catch {
      // No events for this directory (it may not exist yet): the regular look covers it.
    }
  }
  schedule(POLL_MS);

  return () => {
    stopped = true;
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

let temporary = 0;

/** `Files` over `node:fs`, which Bun and Deno both have. */
export const nodeFiles: Files = {
  async readText(path) {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      throw explain(path, error);
    }
  },
  async exists(path) {
    // Not by `access`: Deno would want the right to know the user's id for that.
    return await stat(path).then(
      () => true,
      () => false,
    );
  },
  async writeAtomic(path, text) {
    const beside = join(dirname(path), `.${basename(path)}.${process.pid}.${temporary++}.tmp`);
    try {
      await writeFile(beside, text);
      await rename(beside, path);
    } catch (error) {
      await rm(beside, { force: true });
      throw new Error(`cannot write ${path}: ${(error as Error).message}`, { cause: error });
    }
  },
  watch: watchFiles,
  importModule: (path, beside) => import(pathToFileURL(resolve(dirname(beside), path)).href),
};
