import type { YamlMapping, YamlValue } from "../document.ts";
import { headerChanges, middlewareOf, type PluginActions } from "./actions.ts";
import { leaveOut } from "./left-out.ts";
import { narrowed, type PathMatch } from "./path.ts";
import type { Branch } from "./split.ts";
import type { ApisixTarget } from "./upstream.ts";
import { type Conditions, withConditions } from "./vars.ts";

/** One of the routes that a route of APISIX becomes: its own conditions, path and destination. */
export interface RouteVariant {
  readonly conditions: Conditions;
  readonly path: PathMatch;
  /** undefined: the route redirects. */
  readonly target: ApisixTarget | undefined;
  readonly redirect: YamlMapping | undefined;
}

/** The variants of one path under one set of conditions, those that come first before the others. */
export function variantsOf(
  path: PathMatch,
  conditions: Conditions,
  branches: readonly Branch[],
  actions: PluginActions,
): RouteVariant[] {
  const { redirect } = actions;
  const at = conditions.path === undefined ? path : narrowed(path, conditions.path);
  const variants: RouteVariant[] = [];
  if (redirect !== undefined) {
    const only = redirect.only === undefined ? at : narrowed(at, redirect.only);
    variants.push({ conditions, path: only, target: undefined, redirect: redirect.made });
    if (redirect.only === undefined) return variants;
  }
  for (const branch of branches) {
    const both = withConditions(conditions, branch.conditions);
    if (typeof both === "string")
      return leaveOut(`what it asks for and what traffic-split asks for cannot be had together: ${both}`);
    const under = branch.conditions.path === undefined ? at : narrowed(at, branch.conditions.path);
    variants.push({ conditions: both, path: under, target: branch.target, redirect: undefined });
  }
  return variants;
}

const some = <Value extends object>(value: Value | undefined): Value | undefined =>
  value === undefined || Object.keys(value).length === 0 ? undefined : value;

/** The keys that say how the upstream is asked: those of the upstream, with what the route's plugins change. */
function upstreamKeys(target: ApisixTarget, actions: PluginActions, timeouts: YamlMapping | undefined): YamlMapping {
  const { settings: how } = target;
  const host = actions.upstreamHost;
  const { scheme } = actions;
  return {
    ...target.where,
    ...how,
    ...(scheme !== undefined && { scheme, upstream_tls: scheme === "https" ? { verify: false } : undefined }),
    ...(host !== undefined && { pass_host: "rewrite", upstream_host: host }),
    rewrite_path: actions.rewritePath,
    timeouts: some({ ...((how.timeouts ?? {}) as YamlMapping), ...timeouts }),
    request_headers: headerChanges(actions.request),
  };
}

/** Which requests a route takes. */
export const matchKeys = (
  path: PathMatch,
  hosts: readonly string[] | undefined,
  methods: readonly string[] | undefined,
  { headers, cookies, query }: Conditions,
): YamlMapping => ({
  hosts,
  path: path.rule as YamlValue,
  methods,
  headers: some(headers),
  cookies: some(cookies),
  query: some(query),
});

/** A variant with everything else that makes a route. */
export function routeOfVariant(
  variant: RouteVariant,
  hosts: readonly string[] | undefined,
  methods: readonly string[] | undefined,
  actions: PluginActions,
  timeouts: YamlMapping | undefined,
): YamlMapping {
  const { conditions } = variant;
  const clients: YamlValue[] =
    conditions.clients === undefined ? [] : [{ ip_restriction: { allow_list: [...conditions.clients] } }];
  const middleware = [...clients, ...middlewareOf(actions)];
  return {
    ...matchKeys(variant.path, hosts, methods, conditions),
    redirect: variant.redirect,
    ...(variant.target === undefined ? {} : upstreamKeys(variant.target, actions, timeouts)),
    response_headers: headerChanges(actions.response),
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
