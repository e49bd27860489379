import { type BigIntStats, type FSWatcher, statSync, watch as watchDirectory } from "node:fs";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Files } from "../files.ts";

/** How often files are looked at where no event tells of a change: some volumes and file systems send none. */
const POLL_MS = 500;
/** A change is reported when the files have been still for this long, so that several files count once. */
const SETTLE_MS = 40;
/**
 * The same for a file that is written in place and not replaced by another one: its writer may have truncated it and be
 * half way through. Short enough for a change to be in force within a second, with the regular look before it.
 */
const WRITTEN_SETTLE_MS = 400;

/** What differs when a file's content may differ; following symlinks, so that a ConfigMap's swap shows. */
const mark = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;

/** In place of a mark where there is no file. */
const ABSENT = "absent";

const markNow = (path: string): string => {
  try {
    return mark(statSync(path, { bigint: true }));
  } catch {
    return ABSENT;
  }
};

const markSoon = (path: string): Promise<string> => stat(path, { bigint: true }).then(mark, () => ABSENT);

/** An error that names the file, and says what the code of the system means. */
const explain = (doing: "read" | "write", path: string, error: unknown): Error => {
  const code = (error as NodeJS.ErrnoException).code;
  const words: Record<string, string> = {
    ENOENT: doing === "read" ? "there is no such file" : "there is no such folder",
    EACCES: "permission denied",
    EISDIR: "it is a directory",
    ENOTDIR: "a part of the path is not a directory",
    EROFS: "the file system is read-only",
    ENOSPC: "no space is left",
  };
  return new Error(`cannot ${doing} ${path}: ${words[code ?? ""] ?? (error as Error).message}`, { cause: error });
};

/** Whether a file may still be being written: it is the file that was there before, or there was none. */
function inPlace(before: string, after: string): boolean {
  const file = (mark: string): string => mark.split(":", 2).join(":");
  return before !== after && (before === ABSENT || file(before) === file(after));
}

/** Calls `onChange` when one of the files changes. Returns the function that stops it. */
function watchFiles(paths: readonly string[], onChange: () => void): () => void {
  const watchers: FSWatcher[] = [];
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = Number.POSITIVE_INFINITY;
  // At once and not soon: a change right after this call is a change.
  let known: readonly string[] = paths.map(markNow);
  /** What was found last, where it differs from what is known, and since when it is like that. */
  let found: { readonly marks: string; readonly since: number } | undefined;

  const schedule = (ms: number): void => {
    if (stopped) return;
    clearTimeout(timer);
    due = performance.now() + ms;
    timer = setTimeout(() => void check(), ms);
    // Watching files must not be what keeps the process alive.
    timer.unref?.();
  };

  const check = async (): Promise<void> => {
    const now = await Promise.all(paths.map(markSoon));
    if (stopped) return;
    const marks = now.join("\n");
    if (marks === known.join("\n")) {
      found = undefined;
      return schedule(POLL_MS);
    }
    if (found?.marks !== marks) found = { marks, since: performance.now() };
    const settle = now.some((mark, i) => inPlace(known[i]!, mark)) ? WRITTEN_SETTLE_MS : SETTLE_MS;
    const left = found.since + settle - performance.now();
    if (left > 0) return schedule(left);
    known = now;
    found = undefined;
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

/** `Files` over `node:fs`, which Bun and Deno both have. */
export const nodeFiles: Files = {
  async readText(path) {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      throw explain("read", path, error);
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
    // A name that cannot be guessed, and never one that is there: in a shared folder it could be a link to another
    // file.
    const beside = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`);
    let made = false;
    try {
      await writeFile(beside, "", { flag: "wx", mode: 0o600 });
      made = true;
      await writeFile(beside, text);
      await rename(beside, path);
    } catch (error) {
      if (made) await rm(beside, { force: true });
      throw explain("write", path, error);
    }
  },
  watch: watchFiles,
};
