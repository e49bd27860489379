import { type Clock, inTime, systemClock } from "../base/clock.ts";
import type { ModuleLoader, ModuleState } from "../platform/modules.ts";
import type { Middleware } from "./plugin.ts";

/** A module that a config names. `Fault` is what its loader reports faults as. */
export interface ModuleUse<Fault = unknown> {
  /** As written: a path relative to the config file. */
  readonly use: string;
  readonly options: unknown;
  /** A fault of this use; `sentence` continues the key's path. */
  issue(sentence: string): Fault;
}

/** The user's own middleware, loaded before a config that names them is applied. */
export interface Modules {
  /**
   * Loads what is new or has changed, for the next `use`. Resolves with the faults; where there are any, the next `use`
   * changes nothing. Never rejects.
   */
  load<Fault>(uses: readonly ModuleUse<Fault>[]): Promise<Fault[]>;
  /** Activates the modules of the last successful `load`, and no others. */
  use(): void;
  /** The middleware of a module with these options; the same one for the same options until the module changes. */
  middleware(use: string, options: unknown): Middleware;
  /** Identifies the modules of the last successful `load` and their content. */
  stamp(): string;
  /** The module whose file the stack of an error names first, as the config names it; undefined: none of them. */
  culprit(error: unknown): string | undefined;
  /** The files that the modules of the last `load` are made of. */
  files(): readonly string[];
  /** Whether one of them has changed since. */
  changed(): Promise<boolean>;
}

/** A module that was evaluated. */
interface Loaded {
  readonly state: ModuleState;
  readonly exports: unknown;
}

/** The modules of one config. */
interface Generation {
  readonly loaded: ReadonlyMap<string, Loaded>;
  readonly made: ReadonlyMap<string, Middleware>;
}

const keyOf = (use: string, options: unknown): string => JSON.stringify([use, options]);

/** Milliseconds a module's function may take to make its middleware: a start and each reload wait for it. */
const MAKING_MS = 10_000;

/**
 * `beside` is the file that modules' paths are relative to, `loader` undefined where a runtime cannot load any.
 */
export function createModules(loader: ModuleLoader | undefined, beside: string, clock: Clock = systemClock): Modules {
  let active: Generation = { loaded: new Map(), made: new Map() };
  let next = active;
  /** What `load` saw last, active or not. */
  let looked: ReadonlyMap<string, ModuleState> = new Map();

  const lookAt = async (uses: Iterable<string>, { look }: ModuleLoader): Promise<Map<string, ModuleState>> =>
    new Map(await Promise.all([...new Set(uses)].map(async (use) => [use, await look(use, beside)] as const)));

  /** A module's middleware, or what is wrong with it: a text that continues the key's path. */
  async function make(
    { exports, state }: Loaded,
    options: unknown,
    { explain }: ModuleLoader,
  ): Promise<Middleware | string> {
    const create = (exports as { default?: unknown }).default;
    if (typeof create !== "function") {
      return `names a module without a default export that is a function of the options: ${state.named}`;
    }
    try {
      const handler = await inTime((create as (options: unknown) => unknown)(options), MAKING_MS, clock);
      if (typeof handler === "function") return handler as Middleware;
      return `names a module whose function does not return a Hono middleware: ${state.named}`;
    } catch (error) {
      return `names a module whose function failed: ${await explain(error, state)}`;
    }
  }

  async function load<Fault>(uses: readonly ModuleUse<Fault>[], from: ModuleLoader): Promise<Fault[]> {
    looked = await lookAt(
      uses.map(({ use }) => use),
      from,
    );
    const before = active;
    const fresh = [...looked].filter(([use, { stamp }]) => before.loaded.get(use)?.state.stamp !== stamp);
    const results = await from.load(fresh.map(([, state]) => state));
    const outcomes = new Map(fresh.map(([use], index) => [use, results[index]!]));
    const loaded = new Map<string, Loaded>();
    const made = new Map<string, Middleware>();
    const faults: Fault[] = [];
    for (const { use, options, issue } of uses) {
      const key = keyOf(use, options);
      if (made.has(key)) continue;
      const outcome = outcomes.get(use);
      const state = looked.get(use)!;
      if (outcome?.status === "rejected") {
        faults.push(issue(`names a module that cannot be loaded: ${await from.explain(outcome.reason, state)}`));
        continue;
      }
      const module = outcome === undefined ? before.loaded.get(use)! : { state, exports: outcome.value };
      loaded.set(use, module);
      const kept = outcome === undefined ? before.made.get(key) : undefined;
      const handler = kept ?? (await make(module, options, from));
      if (typeof handler === "string") faults.push(issue(handler));
      else made.set(key, handler);
    }
    if (faults.length === 0) next = { loaded, made };
    return faults;
  }

  return {
    async load(uses) {
      if (loader !== undefined) return await load(uses, loader);
      return uses.map(({ issue }) => issue("names a module, and this runtime loads none"));
    },
    use() {
      active = next;
    },
    middleware: (use, options) =>
      active.made.get(keyOf(use, options)) ??
      (() => {
        throw new Error(`The module ${use} was not loaded`);
      }),
    stamp: () =>
      [...next.loaded]
        .map(([use, { state }]) => `${use} ${state.stamp}`)
        .sort()
        .join("\n"),
    culprit(error) {
      const stack = String((error as { stack?: unknown } | null | undefined)?.stack ?? "").replace(/\?podway=\d+/g, "");
      const frames = stack.split("\n").map((line) => /(\/[^()]*?):\d+(?::\d+)?\)?$/.exec(line)?.[1]);
      const modules = [...looked];
      for (const frame of frames) {
        const file = frame?.replace(/^\/+/, "/");
        const found = modules.find(([, { files }]) => file !== undefined && files.includes(file));
        if (found !== undefined) return found[0];
      }
      return undefined;
    },
    files: () => [...new Set([...looked.values()].flatMap(({ named, files }) => [named, ...files]))],
    async changed() {
      if (loader === undefined) return false;
      const now = await lookAt(looked.keys(), loader);
      return [...now].some(([use, { stamp }]) => looked.get(use)?.stamp !== stamp);
    },
  };
}
