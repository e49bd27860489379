import * as v from "valibot";
import { FORMAT } from "../../gateway/format.ts";
import { Commented, type Made, type MadeMapping } from "../document.ts";
import type { Input } from "../input.ts";
import { isOpen } from "../notation.ts";
import { shutFor } from "../shut.ts";

/** Changes of headers while they are gathered. */
export interface HeaderEdits {
  readonly set: Record<string, string>;
  readonly add: Record<string, string[]>;
  readonly remove: string[];
}

/** What plugins make of a route, or of all of them. */
export interface Effects {
  /** In APISIX's order of execution: the higher plugin priority first. */
  readonly middleware: { readonly order: number; readonly made: MadeMapping }[];
  readonly request: HeaderEdits;
  readonly response: HeaderEdits;
  rewritePath: MadeMapping | undefined;
  upstreamHost: string | undefined;
  scheme: string | undefined;
  /** Answers the request itself; with `only` just those whose path matches. */
  redirect: { readonly made: MadeMapping; readonly only: string | undefined } | undefined;
  /** Every request over plain HTTP is redirected. */
  httpsOnly: boolean;
  /** The rules of traffic-split. */
  split: Input | undefined;
  /** Access control that could not be carried over: the route stays shut. */
  readonly closed: string[];
}

const edits = (): HeaderEdits => ({ set: {}, add: {}, remove: [] });

/** No effect yet. */
export const noEffects = (): Effects => ({
  middleware: [],
  request: edits(),
  response: edits(),
  rewritePath: undefined,
  upstreamHost: undefined,
  scheme: undefined,
  redirect: undefined,
  httpsOnly: false,
  split: undefined,
  closed: [],
});

/** Adds a middleware if the gateway takes it so; else the plugin is declined. Whether it was added. */
export function addMiddleware(effects: Effects, order: number, made: MadeMapping, conf: Input): boolean {
  const checked = v.safeParse(FORMAT.middleware, plain(made));
  const issue = checked.issues?.find(({ input }) => !isOpen(input));
  if (issue === undefined) {
    effects.middleware.push({ order, made });
    return true;
  }
  conf.decline(`${v.getDotPath(issue) ?? "it"} would have to be ${issue.message}`);
  return false;
}

/** Without the keys that are undefined, and without comments. */
function plain(value: Made | undefined): unknown {
  if (value instanceof Commented) return plain(value.value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as MadeMapping)
      .filter(([, child]) => child !== undefined)
      .map(([key, child]) => [key, plain(child)]),
  );
}

/** Middleware in their order, the shut door first. */
export function middlewareOf(effects: Effects): Made[] {
  const sorted = effects.middleware.toSorted((a, b) => b.order - a.order).map(({ made }): Made => made);
  return effects.closed.length > 0 ? [shutFor(effects.closed), ...sorted] : sorted;
}

const mapped = (record: Readonly<Record<string, string[]>>, made: (values: string[]) => Made): MadeMapping =>
  Object.fromEntries(Object.entries(record).map(([key, values]) => [key, made(values)]));

/** Changes of headers as the file has them; undefined: none. */
export function headerChanges({ set, add, remove }: HeaderEdits): MadeMapping | undefined {
  const made = {
    set: Object.keys(set).length === 0 ? undefined : set,
    add:
      Object.keys(add).length === 0 ? undefined : mapped(add, (values) => (values.length === 1 ? values[0]! : values)),
    remove: remove.length === 0 ? undefined : [...new Set(remove)],
  };
  return Object.values(made).some((part) => part !== undefined) ? made : undefined;
}
