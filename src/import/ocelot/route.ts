import { denyAllFor } from "../deny-all.ts";
import { convertedFrom, type YamlMapping, type YamlValue } from "../document.ts";
import type { Input } from "../input.ts";
import { StandIn } from "../stand-in.ts";
import type { OcelotDiscovery } from "./discovery.ts";
import { AUTHENTICATION, CLAIMS, type Globals, METADATA } from "./globals.ts";
import {
  type HeaderActions,
  headerConditions,
  headerKeys,
  headerMiddleware,
  noHeaderActions,
  transform,
} from "./headers.ts";
import { ipRestrictionOf, qualityOf, rateLimitOf } from "./limits.ts";
import type { OcelotPlacement } from "./order.ts";
import {
  approximateTemplate,
  parseUpstreamTemplate,
  rewriteOf,
  templateFault,
  type UpstreamTemplate,
  upstreamTemplateFault,
} from "./templates.ts";
import { handlerOf, ocelotTarget } from "./upstream.ts";
import { declinePositive, declineSet, firstSet, isUnset } from "./values.ts";

/** A route of Ocelot's in our words. */
export interface OcelotRoute {
  /** It could not be carried over: its requests are refused, so that no other route takes them. */
  readonly leftOut: boolean;
  readonly from: Input;
  readonly id: string | undefined;
  readonly keys: YamlMapping;
  readonly placement: OcelotPlacement;
  readonly namespace: string | undefined;
}

/** What routes share. */
export interface OcelotContext {
  readonly globals: Globals;
  readonly discovery: OcelotDiscovery;
  /** What of the global configuration a route came to need. */
  readonly used: { baseUrl: boolean };
}

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const CACHE = "answers are not kept here";

/** false: it cannot be said which methods are meant. */
function methodsOf(route: Input): string[] | undefined | false {
  const input = route.at("UpstreamHttpMethod");
  if (isUnset(input)) return undefined;
  const methods = (input.texts() ?? []).filter((method) => method !== "").map((method) => method.toUpperCase());
  const all = Array.isArray(input.raw) && methods.length === 0;
  if (methods.length > 0 || all) {
    if (methods.every((method) => METHOD.test(method))) return all ? undefined : [...new Set(methods)];
  }
  return false;
}

const HOST = /^(?<name>(?:\*\.)?[a-z0-9_](?:[-.a-z0-9_]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::(?<port>[0-9]{1,5}))?$/;

/** `UpstreamHost`, which Ocelot compares with the whole Host. false: it cannot be said which hosts are meant. */
function hostOf(route: Input): { readonly name: string; readonly port: string | undefined } | undefined | false {
  const input = route.at("UpstreamHost");
  if (isUnset(input)) return undefined;
  const written = input.text() ?? "";
  const { name, port } = HOST.exec(written.toLowerCase())?.groups ?? {};
  if (name === undefined) return false;
  if (written !== written.toLowerCase()) input.note("it fits a Host in any case here, in Ocelot as written alone");
  if (port === undefined) input.note("here a Host with any port fits it, in Ocelot one without a port alone");
  return { name, port };
}

/** Who may pass, as only code knows; gives back what guards the route and is not carried over. */
function guardsOf(route: Input, globals: Input): Input[] {
  const guards: Input[] = [];
  const claims = route.at("RouteClaimsRequirement");
  if (!isUnset(claims)) {
    claims.decline(CLAIMS, "access");
    guards.push(claims);
  }
  const auth = firstSet(route.at("AuthenticationOptions"), globals.at("AuthenticationOptions"));
  if (isUnset(auth)) return guards;
  const open = auth.at("AllowAnonymous");
  const others = auth.keys().filter((key) => key.toLowerCase() !== "allowanonymous" && !isUnset(auth.at(key)));
  if (open.boolean() === true) {
    for (const key of others) auth.at(key).take();
  } else if (others.length > 0) {
    auth.decline(AUTHENTICATION, "access");
    guards.push(auth);
  }
  return guards;
}

/** What a route asks for that only code, or nothing here, could do. */
function declineRest(route: Input, globals: Input): void {
  for (const key of [
    "AddHeadersToRequest",
    "AddClaimsToRequest",
    "AddQueriesToRequest",
    "ChangeDownstreamPathTemplate",
  ])
    declineSet(route.at(key), CLAIMS);
  declineSet(route.at("DelegatingHandlers"), "they are code of the application that runs Ocelot: see middleware, use");
  declineSet(route.at("Metadata"), METADATA);
  for (const name of ["FileCacheOptions", "CacheOptions"]) {
    for (const cache of [route.at(name), globals.at(name)]) {
      const ttl = cache.at("TtlSeconds");
      if (isUnset(cache)) continue;
      if (isUnset(ttl) || Number(ttl.raw) <= 0) cache.take();
      else cache.decline(CACHE);
    }
  }
}

function middlewareOf(route: Input, { globals }: OcelotContext): YamlValue[] {
  const id = firstSet(route.at("RequestIdKey"), globals.root.at("RequestIdKey"));
  const header = isUnset(id) ? undefined : id.text();
  if (header !== undefined && !METHOD.test(header)) id.decline("it is no name that a header can have");
  const method = route.at("DownstreamHttpMethod");
  const verb = isUnset(method) ? undefined : method.text()?.toUpperCase();
  if (verb !== undefined && !METHOD.test(verb)) method.decline("it is no method");
  const security = ipRestrictionOf(route.at("SecurityOptions"), globals.options("SecurityOptions", route));
  const guards = [...guardsOf(route, globals.root), ...security.unread];
  const rate = rateLimitOf(route.at("RateLimitOptions"), globals.options("RateLimitOptions", route));
  return [
    ...(header !== undefined && METHOD.test(header) ? [{ request_id: { header_name: header } }] : []),
    ...(guards.length === 0 ? [] : [denyAllFor([...new Set(guards.map(({ path }) => String(path.at(-1))))])]),
    ...(security.made === undefined ? [] : [security.made]),
    ...(rate === undefined ? [] : [rate]),
    ...(verb !== undefined && METHOD.test(verb) ? [{ set_method: { method: verb } }] : []),
  ];
}

/** Which requests a route takes. */
interface Taken {
  readonly upstream: UpstreamTemplate;
  readonly conditions: YamlMapping;
  readonly host: string | undefined;
  readonly methods: readonly string[] | undefined;
  /** Why it takes more requests than in Ocelot, so that they can only be refused; undefined: it does not. */
  readonly tooMany: string | undefined;
}

function takenBy(route: Input, ignoreCase: boolean): Taken | undefined {
  const input = route.at("UpstreamPathTemplate");
  const template = isUnset(input) ? undefined : input.text();
  if (template === undefined) {
    route.decline("it has no UpstreamPathTemplate");
    return undefined;
  }
  const fault = upstreamTemplateFault(template);
  const upstream =
    fault === undefined ? parseUpstreamTemplate(template, ignoreCase) : approximateTemplate(template, ignoreCase);
  if (template.includes("?") && Object.keys(upstream.query).length > 0)
    input.note("its parameters may stand anywhere in the query, not only at the beginning");
  const parts = upstream.parts as Map<string, string | undefined>;
  const host = hostOf(route);
  const methods = methodsOf(route);
  const port = host ? host.port : undefined;
  return {
    upstream,
    conditions: {
      ...headerConditions(route.at("UpstreamHeaderTemplates"), ignoreCase, parts),
      // Hosts are compared without their ports here.
      ...(port !== undefined && { host: { regex: `:${port}$` } }),
    },
    host: host ? host.name : undefined,
    methods: methods || undefined,
    tooMany:
      fault !== undefined
        ? `its UpstreamPathTemplate is none: ${fault}`
        : host === false
          ? "its UpstreamHost is no name of a host, with or without a port"
          : methods === false
            ? "its UpstreamHttpMethod has something in it that is no method"
            : undefined,
  };
}

/** Brings one route into our words; undefined: it takes no request, which was reported. */
export function convertOcelotRoute(route: Input, context: OcelotContext): OcelotRoute | undefined {
  const { globals } = context;
  if (!route.isMapping) {
    route.decline("a route is a mapping");
    return undefined;
  }
  const caseful = firstSet(route.at("RouteIsCaseSensitive"), route.at("ReRouteIsCaseSensitive"));
  const ignoreCase = isUnset(caseful) || caseful.boolean() !== true;
  const taken = takenBy(route, ignoreCase);
  if (taken === undefined) return undefined;
  const { upstream, conditions, host, methods } = taken;
  const priority = route.at("Priority");
  const key = route.at("Key");
  const made = {
    from: route,
    id: isUnset(key) ? undefined : key.text(),
    placement: {
      host,
      methods,
      headers: Object.keys(conditions).length,
      upstream,
      priority: isUnset(priority) ? 1 : (priority.number() ?? 1),
    },
  };
  const matching = {
    hosts: host === undefined ? undefined : [host],
    path: upstream.path,
    methods,
    headers: Object.keys(conditions).length === 0 ? undefined : conditions,
    query: Object.keys(upstream.query).length === 0 ? undefined : upstream.query,
  };
  const target = ocelotTarget(route, {
    balancing: loadBalancer(route, globals),
    scheme: globals.root.at("DownstreamScheme"),
    discovery: context.discovery,
  });
  const why = taken.tooMany ?? ("nowhere" in target ? target.nowhere : undefined);
  if (why !== undefined || "nowhere" in target) {
    route.decline(`the route is left out, and its requests are refused: ${why}`, "access");
    return { ...made, leftOut: true, namespace: undefined, keys: matching };
  }
  const down = route.at("DownstreamPathTemplate");
  const written = isUnset(down) ? undefined : down.text();
  const rewrite = written === undefined ? undefined : rewritten(down, written, upstream, ignoreCase);
  const qos = firstSet(route.at("QoSOptions"), globals.options("QoSOptions", route));
  const { keys: quality } = qualityOf(route, qos, globals.root.at("Timeout"));
  const handler = firstSet(route.at("HttpHandlerOptions"), globals.options("HttpHandlerOptions", route));
  const tls = handlerOf(route, handler, globals.root);
  const actions = actionsOf(route, context);
  const middleware = [...middlewareOf(route, context), ...headerMiddleware(actions)];
  declineRest(route, globals.root);
  return {
    ...made,
    leftOut: false,
    namespace: target.namespace,
    keys: {
      ...matching,
      ...rewrite,
      ...target.keys,
      ...tls,
      ...quality,
      ...headerKeys(actions),
      middleware: middleware.length === 0 ? undefined : middleware,
    },
  };
}

/** What the header transformations of a route and of all routes come to. */
function actionsOf(route: Input, { globals, used }: OcelotContext): HeaderActions {
  const baseUrl = globals.root.at("BaseUrl");
  const actions = noHeaderActions();
  const base = isUnset(baseUrl) ? undefined : String(baseUrl.raw).replaceAll("${", "$${");
  for (const [of, key] of [
    ["request", "UpstreamHeaderTransform"],
    ["response", "DownstreamHeaderTransform"],
  ] as const)
    transform(of, { own: route.at(key), global: globals.root.at(key), baseUrl: base }, actions);
  if (actions.baseUrl && base !== undefined) {
    baseUrl.text();
    used.baseUrl = true;
  }
  return actions;
}

/** The route's `LoadBalancerOptions`, else the global ones. */
const loadBalancer = (route: Input, globals: Globals): Input => {
  const own = route.at("LoadBalancerOptions");
  return isUnset(own.at("Type")) ? firstSet(globals.options("LoadBalancerOptions", route), own) : own;
};

function rewritten(down: Input, written: string, upstream: UpstreamTemplate, ignoreCase: boolean): YamlMapping {
  const fault = templateFault(written.startsWith("/") ? written : `/${written}`);
  if (fault !== undefined) {
    down.decline(`${fault}: the path stays as it is`);
    return {};
  }
  const made = rewriteOf(written.startsWith("/") ? written : `/${written}`, upstream, ignoreCase);
  if ("made" in made) {
    if (made.query?.set !== undefined)
      down.note("what it adds to the query stands after the request's own parameters, in Ocelot before them", "trifle");
    return { ...made.made, request_query: made.query };
  }
  down.decline("a placeholder of it stands in no template that requests are matched with: the path stays as it is");
  return {};
}

/** The route as it stands in the file. */
export function outputOf({ from, id, keys, leftOut }: OcelotRoute, priority: number): YamlValue {
  const route = { id, priority: priority === 0 ? undefined : priority, ...keys };
  return leftOut ? new StandIn(route, [], [from]) : convertedFrom(from, route);
}

/** Ocelot's `declinePositive` for aggregates and dynamic routes: what they are is reported once. */
export const declineOthers = (root: Input): void => {
  declineSet(root.at("Aggregates"), "answers of several routes are not put together here");
  declineSet(root.at("ReRouteAggregates"), "answers of several routes are not put together here");
  declineSet(
    root.at("DynamicRoutes"),
    "every service needs a route of its own here: a path, and service: namespace/name",
  );
  declinePositive(root.at("Version"), "it means nothing here");
};
