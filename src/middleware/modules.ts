import type { ConfigIssue } from "../config/issues.ts";
import type { ModuleUse } from "../config/module-uses.ts";
import type { MiddlewareEntry } from "./catalog.ts";
import type { Middleware } from "./plugin.ts";

/** The user's own middleware, loaded before a config that names them is put in force. */
export interface Modules {
  /** Loads what is not loaded yet. Resolves with what is wrong, in words; never rejects. */
  load(uses: readonly ModuleUse[]): Promise<ConfigIssue[]>;
  /** The middleware of a module with these options; the same one for the same options. */
  middleware(use: string, options: unknown): Middleware;
  /** Forgets all but those that these entries name. */
  keep(entries: readonly MiddlewareEntry[]): void;
}

const keyOf = (use: string, options: unknown): string => JSON.stringify([use, options]);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Makes one. `importModule` resolves a path relative to the config file; undefined where a runtime has no files. */
export function createModules(importModule: ((path: string) => Promise<unknown>) | undefined): Modules {
  const made = new Map<string, Middleware>();

  /** Words that go on after the key, or undefined when all is well. */
  async function load(use: string, options: unknown): Promise<string | undefined> {
    if (importModule === undefined) return "names a module, and this runtime loads none";
    let loaded: { default?: unknown };
    try {
      loaded = (await importModule(use)) as { default?: unknown };
    } catch (error) {
      return `names a module that cannot be loaded: ${messageOf(error)}`;
    }
    if (typeof loaded.default !== "function") {
      return "names a module without a default export that is a function of the options";
    }
    let handler: unknown;
    try {
      handler = await (loaded.default as (options: unknown) => unknown)(options);
    } catch (error) {
      return `names a module whose function failed: ${messageOf(error)}`;
    }
    if (typeof handler !== "function") return "names a module whose function does not return a Hono middleware";
    made.set(keyOf(use, options), handler as Middleware);
    return undefined;
  }

  return {
    async load(uses) {
      const faults: ConfigIssue[] = [];
      for (const { use, options, issue } of uses) {
        if (made.has(keyOf(use, options))) continue;
        const fault = await load(use, options);
        if (fault !== undefined) faults.push(issue(fault));
      }
      return faults;
    },
    middleware: (use, options) =>
      made.get(keyOf(use, options)) ??
      (() => {
        throw new Error(`The module ${use} was not loaded`);
      }),
    keep(entries) {
      const wanted = new Set(entries.flatMap(({ use, options }) => (use === undefined ? [] : keyOf(use, options))));
      for (const key of made.keys()) if (!wanted.has(key)) made.delete(key);
    },
  };
}
