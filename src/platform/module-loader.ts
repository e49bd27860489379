import { createHash } from "node:crypto";
import { readFile, realpath } from "node:fs/promises";
import { dirname, extname, relative, resolve } from "node:path";
import { type Clock, inTime, systemClock } from "../base/clock.ts";
import { describeFault } from "./module-faults.ts";
import type { ModuleLoader, ModuleState } from "./modules.ts";

/** How a runtime evaluates modules again that it has evaluated before. */
export interface Evaluator {
  /** Begins a generation: nothing of these files is taken from an earlier one. */
  begin(files: readonly string[], generation: number): void;
  /** Imports a file as of this generation, and so what it imports. */
  evaluate(path: string, generation: number): Promise<unknown>;
}

/** What tells generations of a file apart, at the end of its name. */
export const generationMark = (generation: number): string => `?podway=${generation}`;

/** What a file imports by a relative path. May find too much, in a comment say: then a file too many is watched. */
const RELATIVE = /\b(?:from|import|require)\s*\(?\s*["'](\.{1,2}\/[^"'\n]+)["']/g;

const EXTENSIONS = [".ts", ".js", ".mts", ".mjs", ".tsx", ".jsx", "/index.ts", "/index.js"];

/** Files that are part of a module: what is installed is not edited. */
const isPart = (path: string): boolean => !path.includes("/node_modules/");

const read = (path: string): Promise<string | undefined> => readFile(path, "utf8").catch(() => undefined);

/** What stands for a relative path: the file, or what runtimes also try. */
async function found(path: string): Promise<[path: string, text: string | undefined]> {
  const bare = extname(path) === ".js" ? [path.slice(0, -3)] : [];
  for (const one of [path, ...[path, ...bare].flatMap((start) => EXTENSIONS.map((end) => start + end))]) {
    const text = await read(one);
    if (text !== undefined) return [one, text];
  }
  return [path, undefined];
}

async function look(path: string, beside: string): Promise<ModuleState> {
  const named = resolve(dirname(beside), path);
  // Bun remembers for ever where a link led to.
  const entry = await realpath(named).catch(() => named);
  const texts = new Map<string, string | undefined>();
  const open = [entry];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [file, text] = await found(next);
    if (texts.has(file)) continue;
    texts.set(file, text);
    const imported = [...(text ?? "").matchAll(RELATIVE)].map(([, specifier]) => resolve(dirname(file), specifier!));
    open.push(...imported.filter(isPart));
  }
  const hash = createHash("sha256");
  for (const [file, text] of [...texts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(JSON.stringify([relative(dirname(entry), file), text ?? null]));
  }
  return { path: entry, named, files: [...texts.keys()], stamp: hash.digest("hex") };
}

/** How long a module may take to be evaluated, milliseconds: a start and each reload wait for it. */
const EVALUATION_MS = 10_000;

/** Loads modules of the user's, and again when they have changed. `clock`: @default the machine's */
export function createModuleLoader({ begin, evaluate }: Evaluator, clock: Clock = systemClock): ModuleLoader {
  let generation = 0;
  return {
    look,
    async load(modules) {
      generation++;
      begin([...new Set(modules.flatMap(({ files }) => files))], generation);
      return await Promise.allSettled(
        modules.map(({ path }) => inTime(evaluate(path, generation), EVALUATION_MS, clock)),
      );
    },
    explain: async (error, { path, named, files }) => {
      const texts = await Promise.all(files.map(async (file) => [file, (await read(file)) ?? ""] as const));
      return describeFault(error, path, new Map(texts)).replaceAll(`${dirname(path)}/`, `${dirname(named)}/`);
    },
  };
}
