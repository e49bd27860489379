import type { YamlMapping } from "../document.ts";
import type { Input } from "../input.ts";
import { NOWHERE } from "../stand-in.ts";
import { noActions, type PluginActions } from "./actions.ts";
import { commentsOf } from "./comments.ts";
import { hostsOf } from "./hosts.ts";
import { LeftOut, leaveOut } from "./left-out.ts";
import type { ApisixPlacement } from "./order.ts";
import { narrowed, ownRank, type PathMatch, pathOf } from "./path.ts";
import { convertPlugins } from "./plugins/index.ts";
import type { PluginContext } from "./plugins/plugin.ts";
import type { Resources } from "./resources.ts";
import { matchKeys, narrowedHosts, narrowedMethods, routeOfVariant, variantsOf } from "./route-variant.ts";
import { type Branch, branchesOf } from "./split.ts";
import { type ApisixTarget, apisixTarget, timeoutsOf } from "./upstream.ts";
import { alternativesOf, type Conditions, NO_CONDITIONS, widerAlternativesOf } from "./vars.ts";

/** One route of ours, before it gets its id and its place. */
export interface ApisixRoute {
  readonly values: YamlMapping;
  readonly placement: ApisixPlacement;
  readonly from: Input;
  readonly comments: readonly string[];
  /** The id it would like to have. */
  readonly id: string;
  /** Stands in for a route that is left out. */
  readonly standIn?: true;
}

/** What converting routes needs. */
export interface ApisixContext {
  readonly resources: Resources;
  readonly plugins: PluginContext;
  /** `:name` in a path stands for a segment. */
  readonly parameters: boolean;
  /** Notes the plugins of a service or plugin config that a route's own take the place of. */
  overridden(conf: Input): void;
  converted(conf: Input): void;
}

/** A reference to another object; its absence leaves the route out. */
function referred(route: Input, key: string, find: (reference: Input) => Input | undefined): Input | undefined {
  const reference = route.at(key);
  if (!reference.exists) return undefined;
  return find(reference) ?? leaveOut(`its ${key} names nothing in these files`);
}

/** The plugins of a route: its own, those of its plugin config, those of its service; the first of a name counts. */
function pluginsOf(sources: readonly (Input | undefined)[], context: ApisixContext): Map<string, Input> {
  const plugins = new Map<string, Input>();
  for (const source of sources) {
    const block = source?.at("plugins");
    if (block?.raw !== undefined && block.keys().length === 0) block.take();
    for (const name of block?.keys() ?? []) {
      const conf = block!.at(name);
      if (plugins.has(name)) context.overridden(conf);
      else {
        plugins.set(name, conf);
        context.converted(conf);
      }
    }
  }
  return plugins;
}

function upstreamOf(route: Input, service: Input | undefined, { upstreams }: Resources): Input | undefined {
  for (const holder of [route, service]) {
    if (holder === undefined) continue;
    const [inline, reference] = [holder.at("upstream"), holder.at("upstream_id")];
    if (reference.exists) {
      inline.decline("upstream_id is there too, and it counts");
      return referred(holder, "upstream_id", upstreams.find);
    }
    if (inline.exists) return inline;
  }
  return undefined;
}

/** `uris` or `uri`; the first counts where there are both. */
function urisOf(route: Input): Input {
  const [many, one] = [route.at("uris"), route.at("uri")];
  if (many.exists) one.decline("uris is there too, and it counts");
  return many.exists ? many : one;
}

function pathsOf(route: Input, parameters: boolean): PathMatch[] {
  const texts = urisOf(route).texts() ?? leaveOut("it has no uri");
  if (texts.length === 0) leaveOut("it has no uri");
  return texts.map((uri) => pathOf(uri, parameters) ?? leaveOut("its uri is no path that starts with /"));
}

/** What a request must come with to a route, beside its path. */
function conditionsOf(route: Input): Conditions[] {
  const alternatives = alternativesOf(route.at("vars"));
  if (typeof alternatives === "string") {
    return leaveOut(
      `its vars cannot be carried over (${alternatives}), and it would take requests that are not meant for it`,
    );
  }
  const [many, one] = [route.at("remote_addrs"), route.at("remote_addr")];
  const found = many.exists ? many : one;
  if (many.exists) one.decline("remote_addrs is there too, and it counts");
  const clients = found.texts();
  if (clients === undefined) return alternatives;
  found.note("requests from elsewhere get a 403 here; APISIX would look for another route for them");
  return alternatives.map((other) => ({ ...other, clients: [...(other.clients ?? []), ...clients] }));
}

function sockets(holder: Input | undefined): void {
  const input = holder?.at("enable_websocket");
  if (input?.boolean() === false) input.note("WebSockets pass on every route here");
}

/** No upstream: what a redirect does not answer fails. */
const ANSWERED: ApisixTarget = {
  where: { nodes: [NOWHERE] },
  settings: {},
  comments: ["it has no upstream: its redirect answers"],
};

/** Where a route's requests go when no rule of traffic-split takes them; undefined: it redirects all of them. */
function branches(route: Input, service: Input | undefined, actions: PluginActions, resources: Resources): Branch[] {
  const upstream = upstreamOf(route, service, resources);
  if (actions.redirect !== undefined && actions.redirect.only === undefined) {
    if (upstream !== undefined) {
      upstream.take();
      upstream.note("is never asked: the route redirects every request");
    }
    return [];
  }
  const answered = actions.redirect !== undefined || actions.httpsOnly;
  const main = upstream !== undefined ? apisixTarget(upstream) : answered ? ANSWERED : "it has no upstream";
  if (main === ANSWERED) route.note("what its redirect does not answer gets a 502 here, in APISIX a 503", "trifle");
  const split = actions.split === undefined ? [] : branchesOf(actions.split, main, resources.upstreams);
  if (split.some(({ conditions }) => conditions === NO_CONDITIONS)) return split;
  if (typeof main === "string") return leaveOut(main);
  return [...split, { conditions: NO_CONDITIONS, target: main }];
}

const idOf = (route: Input, index: number): string =>
  route.at("id").text() ?? route.at("name").text() ?? `route-${index + 1}`;

/** One variant of a route: what it is made of, with its place among the others. */
interface Matching {
  readonly path: PathMatch;
  readonly conditions: Conditions;
  readonly hosts: readonly string[] | undefined;
  readonly methods: readonly string[] | undefined;
  readonly priority: number;
}

const placedOf = (
  { path, conditions, hosts, methods, priority }: Matching,
  turn: number,
  from: number,
): ApisixPlacement => ({
  hosts,
  path,
  ownRank: ownRank(path),
  methods,
  headers: Object.keys(conditions.headers).length + Object.keys(conditions.cookies).length,
  query: Object.keys(conditions.query).length,
  priority,
  turn,
  from,
});

function convert(route: Input, index: number, context: ApisixContext): ApisixRoute[] {
  for (const key of ["filter_func", "script", "script_id"]) {
    if (route.at(key).exists) leaveOut(`its ${key} is Lua code`);
  }
  const service = referred(route, "service_id", context.resources.services.find);
  const config = referred(route, "plugin_config_id", context.resources.pluginConfigs.find);
  const own = hostsOf(route);
  const hosts = own ?? (service && hostsOf(service));
  if (typeof hosts === "string") return leaveOut(hosts);
  const paths = pathsOf(route, context.parameters);
  const alternatives = conditionsOf(route);
  const methods = route.at("methods").texts();
  const actions = noActions();
  convertPlugins(pluginsOf([route, config, service], context), actions, context.plugins);
  const variants = branches(route, service, actions, context.resources);
  const timeouts = timeoutsOf(route.at("timeout"));
  if (timeouts !== undefined) {
    upstreamOf(route, service, context.resources)?.at("timeout").note("a route with a timeout of its own goes by that");
  }
  sockets(service);
  sockets(route);
  const id = idOf(route, index);
  const priority = route.at("priority").number() ?? 0;
  const words = [
    ...commentsOf(route),
    ...(priority === 0 ? [] : [`priority ${priority} in APISIX, which decides among routes of one path only`]),
    ...(service === undefined ? [] : commentsOf(service).map((text) => `service: ${text}`)),
    ...(config === undefined ? [] : commentsOf(config).map((text) => `plugin config: ${text}`)),
  ];
  const made = paths.flatMap((path) => alternatives.flatMap((one) => variantsOf(path, one, variants, actions)));
  return made.map((variant, turn): ApisixRoute => {
    const { path, conditions } = variant;
    const routeHosts = narrowedHosts(hosts, conditions.hosts);
    const routeMethods = narrowedMethods(methods, conditions.methods);
    return {
      from: route,
      id,
      comments: [...words, ...(variant.target?.comments ?? [])],
      values: routeOfVariant(variant, routeHosts, routeMethods, actions, timeouts),
      placement: placedOf({ path, conditions, hosts: routeHosts, methods: routeMethods, priority }, turn, index),
    };
  });
}

/** What takes the requests of a route that is left out; more of them where it cannot be said which it took. */
function standInsOf(route: Input, index: number, { resources, parameters }: ApisixContext): ApisixRoute[] {
  const uris = urisOf(route).texts() ?? [];
  const service = route.at("service_id").exists ? resources.services.find(route.at("service_id")) : undefined;
  const named = hostsOf(route) ?? (service && hostsOf(service));
  const hosts = typeof named === "string" ? undefined : named;
  const methods = route.at("methods").texts();
  const priority = route.at("priority").number() ?? 0;
  const variants = uris.flatMap((uri) => {
    const path = pathOf(uri, parameters);
    return path === undefined ? [] : widerAlternativesOf(route.at("vars")).map((conditions) => ({ path, conditions }));
  });
  return variants.map(({ path, conditions }, turn): ApisixRoute => {
    const matching = {
      path: conditions.path === undefined ? path : narrowed(path, conditions.path),
      conditions,
      hosts: hosts ?? conditions.hosts,
      methods: methods ?? conditions.methods,
      priority,
    };
    return {
      from: route,
      id: idOf(route, index),
      standIn: true,
      comments: commentsOf(route),
      values: matchKeys(matching.path, matching.hosts, matching.methods, conditions),
      placement: placedOf(matching, turn, index),
    };
  });
}

/** The routes made of one of APISIX's. One that cannot be there is declined, and stand-ins refuse its requests. */
export function convertApisixRoute(route: Input, index: number, context: ApisixContext): ApisixRoute[] {
  const status = route.at("status").number();
  if (status === 0) {
    route.decline("it is switched off (status: 0), and left out");
    return [];
  }
  try {
    return convert(route, index, context);
  } catch (error) {
    if (!(error instanceof LeftOut)) throw error;
    route.decline(`the route is left out, and its requests are refused: ${error.message}`, "access");
    return standInsOf(route, index, context);
  }
}
