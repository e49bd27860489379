import type { RouteInput } from "./routes.ts";

/** What of the Gateway API's HTTPRoute the case table uses. */
export interface HttpRoute {
  name: string;
  hostnames?: string[];
  parentRefs: { name: string }[];
  rules: HttpRule[];
}
export interface HttpRule {
  matches?: HttpMatch[];
  filters?: HttpFilter[];
  backendRefs?: { name: string; namespace?: string; port?: number; weight?: number; filters?: HttpFilter[] }[];
}
interface HttpMatch {
  path?: { type: "Exact" | "PathPrefix" | "RegularExpression"; value: string };
  method?: string;
  headers?: Named[];
  queryParams?: Named[];
}
interface Named {
  name: string;
  value: string;
}
type PathModifier = { replaceFullPath?: string; replacePrefixMatch?: string };
interface HeaderFilter {
  set?: Named[];
  add?: Named[];
  remove?: string[];
}
interface HttpFilter {
  requestRedirect?: { statusCode?: number; scheme?: string; hostname?: string; port?: number; path?: PathModifier };
  urlRewrite?: { path?: PathModifier };
  requestHeaderModifier?: HeaderFilter;
  responseHeaderModifier?: HeaderFilter;
}
export interface Gateway {
  name: string;
  listeners: { hostname?: string; port: number; protocol: string }[];
}

const named = (list: Named[] = []): Record<string, string> =>
  Object.fromEntries(list.map(({ name, value }) => [name, value]));

const headerChanges = ({ set, add, remove }: HeaderFilter): RouteInput["request_headers"] => ({
  set: named(set),
  add: named(add),
  remove: remove ?? [],
});

const toPath = (path: HttpMatch["path"]): RouteInput["path"] => {
  if (path === undefined) return { prefix: "/" };
  if (path.type === "Exact") return { exact: path.value };
  return path.type === "PathPrefix" ? { prefix: path.value } : { regex: path.value };
};

const toReplacement = (path: PathModifier) =>
  path.replaceFullPath === undefined ? { replace_prefix: path.replacePrefixMatch! } : { replace: path.replaceFullPath };

const withFilter = (route: RouteInput, filter: HttpFilter): RouteInput => {
  const { requestRedirect: redirect, urlRewrite, requestHeaderModifier, responseHeaderModifier } = filter;
  if (requestHeaderModifier) return { ...route, request_headers: headerChanges(requestHeaderModifier) };
  if (responseHeaderModifier) return { ...route, response_headers: headerChanges(responseHeaderModifier) };
  if (urlRewrite?.path) return { ...route, rewrite_path: toReplacement(urlRewrite.path) };
  if (redirect === undefined) return route;
  return {
    ...route,
    redirect: {
      status: redirect.statusCode as 302 | undefined,
      scheme: redirect.scheme as "http" | undefined,
      host: redirect.hostname,
      port: redirect.port,
      path: redirect.path && toReplacement(redirect.path),
    },
  };
};

/** Where a route's and a listener's hostname overlap: the narrower of the two. */
const intersect = (host: string, listener: string): string | undefined => {
  const covers = (wide: string, narrow: string): boolean =>
    wide === narrow || (wide.startsWith("*.") && narrow.endsWith(wide.slice(1)));
  if (covers(listener, host)) return host;
  return covers(host, listener) ? listener : undefined;
};

/** The hosts of a route at a gateway; undefined where it takes every host. */
const hostsAt = (route: HttpRoute, gateway: Gateway): string[] | undefined => {
  const listening = gateway.listeners.map((listener) => listener.hostname);
  if (route.hostnames === undefined) {
    return listening.includes(undefined) ? undefined : listening.map((host) => host!);
  }
  if (listening.includes(undefined)) return route.hostnames;
  return route.hostnames.flatMap((host) => listening.flatMap((listener) => intersect(host, listener!) ?? []));
};

/**
 * The routes of a config that does what these HTTPRoutes do at a gateway: one per match. A filter of a rule's only
 * backend is a filter of the rule. The id is the route's name, the rule's and the match's index.
 */
export function toRoutes(routes: readonly HttpRoute[], gateway: Gateway): RouteInput[] {
  return routes
    .filter((route) => route.parentRefs.some((parent) => parent.name === gateway.name))
    .flatMap((route) => {
      const hosts = hostsAt(route, gateway);
      if (hosts?.length === 0) return [];
      return route.rules.flatMap((rule, r) =>
        (rule.matches ?? [{}]).map((match, m): RouteInput => {
          const backends = rule.backendRefs ?? [];
          const filters = [...(rule.filters ?? []), ...(backends.length === 1 ? (backends[0]!.filters ?? []) : [])];
          const bare: RouteInput = {
            id: `${route.name} ${r} ${m}`,
            hosts,
            path: toPath(match.path),
            methods: match.method === undefined ? undefined : [match.method],
            headers: named(match.headers),
            query: named(match.queryParams),
            services:
              backends.length === 0 ? undefined : backends.map(({ name, weight }) => ({ service: name, weight })),
          };
          return filters.reduce(withFilter, bare);
        }),
      );
    });
}
