import type { Made, MadeMapping } from "../document.ts";
import { type Effects, headerChanges, middlewareOf } from "./effects.ts";
import { leaveOut } from "./left-out.ts";
import { narrowed, type PathMatch } from "./path.ts";
import type { Branch } from "./split.ts";
import type { Target } from "./upstream.ts";
import { type Conditions, withConditions } from "./vars.ts";

/** A way that requests of a route go. */
export interface Way {
  readonly conditions: Conditions;
  readonly path: PathMatch;
  /** undefined: the route redirects. */
  readonly target: Target | undefined;
  readonly redirect: MadeMapping | undefined;
}

/** The ways of one path under one set of conditions, those that come first before the others. */
export function waysOf(path: PathMatch, conditions: Conditions, branches: readonly Branch[], effects: Effects): Way[] {
  const { redirect } = effects;
  const at = conditions.path === undefined ? path : narrowed(path, conditions.path);
  const ways: Way[] = [];
  if (redirect !== undefined) {
    const only = redirect.only === undefined ? at : narrowed(at, redirect.only);
    ways.push({ conditions, path: only, target: undefined, redirect: redirect.made });
    if (redirect.only === undefined) return ways;
  }
  for (const branch of branches) {
    const both = withConditions(conditions, branch.conditions);
    if (typeof both === "string")
      return leaveOut(`what it asks for and what traffic-split asks for cannot be had together: ${both}`);
    const under = branch.conditions.path === undefined ? at : narrowed(at, branch.conditions.path);
    ways.push({ conditions: both, path: under, target: branch.target, redirect: undefined });
  }
  return ways;
}

const some = <Value extends object>(value: Value | undefined): Value | undefined =>
  value === undefined || Object.keys(value).length === 0 ? undefined : value;

/** The keys that say how the upstream is asked: those of the upstream, with what the route's plugins change. */
function askingOf(target: Target, effects: Effects, timeouts: MadeMapping | undefined): MadeMapping {
  const { how } = target;
  const host = effects.upstreamHost;
  const { scheme } = effects;
  return {
    ...target.where,
    ...how,
    ...(scheme !== undefined && { scheme, upstream_tls: scheme === "https" ? { verify: false } : undefined }),
    ...(host !== undefined && { pass_host: "rewrite", upstream_host: host }),
    rewrite_path: effects.rewritePath,
    timeouts: some({ ...((how.timeouts ?? {}) as MadeMapping), ...timeouts }),
    request_headers: headerChanges(effects.request),
  };
}

/** Which requests a route takes. */
export const matchedBy = (
  path: PathMatch,
  hosts: readonly string[] | undefined,
  methods: readonly string[] | undefined,
  { headers, cookies, query }: Conditions,
): MadeMapping => ({
  hosts,
  path: path.rule as Made,
  methods,
  headers: some(headers),
  cookies: some(cookies),
  query: some(query),
});

/** A way with everything else that makes a route. */
export function built(
  way: Way,
  hosts: readonly string[] | undefined,
  methods: readonly string[] | undefined,
  effects: Effects,
  timeouts: MadeMapping | undefined,
): MadeMapping {
  const { conditions } = way;
  const clients: Made[] =
    conditions.clients === undefined ? [] : [{ ip_restriction: { allow_list: [...conditions.clients] } }];
  const middleware = [...clients, ...middlewareOf(effects)];
  return {
    ...matchedBy(way.path, hosts, methods, conditions),
    redirect: way.redirect,
    ...(way.target === undefined ? {} : askingOf(way.target, effects, timeouts)),
    response_headers: headerChanges(effects.response),
    middleware: middleware.length === 0 ? undefined : middleware,
  };
}

/** The hosts of a route that also asks for some of them. */
export function narrowedHosts(
  hosts: readonly string[] | undefined,
  asked: readonly string[] | undefined,
): readonly string[] | undefined {
  if (hosts !== undefined && asked !== undefined)
    return leaveOut("its hosts and a condition on the host cannot be had together");
  return asked ?? hosts;
}

/** The methods of a route that also asks for some of them. */
export function narrowedMethods(
  methods: readonly string[] | undefined,
  asked: readonly string[] | undefined,
): readonly string[] | undefined {
  const kept =
    methods === undefined || asked === undefined ? (asked ?? methods) : methods.filter((one) => asked.includes(one));
  return kept?.length === 0 ? leaveOut("no method meets its conditions") : kept;
}
