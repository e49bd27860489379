import * as v from "valibot";
import { FORMAT } from "../../gateway/format.ts";
import { denyAllFor } from "../deny-all.ts";
import { Commented, type YamlMapping, type YamlValue } from "../document.ts";
import { dependsOnEnvironment } from "../escaping.ts";
import type { Input } from "../input.ts";

/** Changes of headers while they are gathered. */
export interface HeaderEdits {
  readonly set: Record<string, string>;
  readonly add: Record<string, string[]>;
  readonly remove: string[];
}

/** What plugins make of a route, or of all of them. */
export interface PluginActions {
  /** In APISIX's order of execution: the higher plugin priority first. */
  readonly middleware: { readonly order: number; readonly made: YamlMapping }[];
  readonly request: HeaderEdits;
  readonly response: HeaderEdits;
  rewritePath: YamlMapping | undefined;
  upstreamHost: string | undefined;
  scheme: string | undefined;
  /** Answers the request itself; with `only` just those whose path matches. */
  redirect: { readonly made: YamlMapping; readonly only: string | undefined } | undefined;
  /** Every request over plain HTTP is redirected. */
  httpsOnly: boolean;
  /** The rules of traffic-split. */
  split: Input | undefined;
  /** Access control that could not be carried over: the route refuses every request. */
  readonly unconverted: string[];
}

const edits = (): HeaderEdits => ({ set: {}, add: {}, remove: [] });

/** No action yet. */
export const noActions = (): PluginActions => ({
  middleware: [],
  request: edits(),
  response: edits(),
  rewritePath: undefined,
  upstreamHost: undefined,
  scheme: undefined,
  redirect: undefined,
  httpsOnly: false,
  split: undefined,
  unconverted: [],
});

/** Adds a middleware if the gateway takes it so; else the plugin is declined. Whether it was added. */
export function addMiddleware(actions: PluginActions, order: number, made: YamlMapping, conf: Input): boolean {
  const checked = v.safeParse(FORMAT.middleware, plain(made));
  const issue = checked.issues?.find(({ input }) => !dependsOnEnvironment(input));
  if (issue === undefined) {
    actions.middleware.push({ order, made });
    return true;
  }
  conf.decline(`${v.getDotPath(issue) ?? "it"} would have to be ${issue.message}`);
  return false;
}

/** Without the keys that are undefined, and without comments. */
function plain(value: YamlValue | undefined): unknown {
  if (value instanceof Commented) return plain(value.value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as YamlMapping)
      .filter(([, child]) => child !== undefined)
      .map(([key, child]) => [key, plain(child)]),
  );
}

/** Middleware in their order, what denies all first. */
export function middlewareOf(actions: PluginActions): YamlValue[] {
  const sorted = actions.middleware.toSorted((a, b) => b.order - a.order).map(({ made }): YamlValue => made);
  return actions.unconverted.length > 0 ? [denyAllFor(actions.unconverted), ...sorted] : sorted;
}

const mapped = (record: Readonly<Record<string, string[]>>, made: (values: string[]) => YamlValue): YamlMapping =>
  Object.fromEntries(Object.entries(record).map(([key, values]) => [key, made(values)]));

/** Changes of headers as the file has them; undefined: none. */
export function headerChanges({ set, add, remove }: HeaderEdits): YamlMapping | undefined {
  const made = {
    set: Object.keys(set).length === 0 ? undefined : set,
    add:
      Object.keys(add).length === 0 ? undefined : mapped(add, (values) => (values.length === 1 ? values[0]! : values)),
    remove: remove.length === 0 ? undefined : [...new Set(remove)],
  };
  return Object.values(made).some((part) => part !== undefined) ? made : undefined;
}
