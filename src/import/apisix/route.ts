import type { MadeMapping } from "../document.ts";
import type { Input } from "../input.ts";
import { NOWHERE } from "../stand-in.ts";
import { wordsOf } from "./cosmetics.ts";
import { type Effects, noEffects } from "./effects.ts";
import { hostsOf } from "./hosts.ts";
import { LeftOut, leaveOut } from "./left-out.ts";
import type { Placed } from "./order.ts";
import { narrowed, ownRank, type PathMatch, pathOf } from "./path.ts";
import { convertPlugins } from "./plugins/index.ts";
import type { PluginContext } from "./plugins/plugin.ts";
import type { Resources } from "./resources.ts";
import { type Branch, branchesOf } from "./split.ts";
import { type Target, targetOf, timeoutsOf } from "./upstream.ts";
import { alternativesOf, type Conditions, NO_CONDITIONS, widerAlternativesOf } from "./vars.ts";
import { built, matchedBy, narrowedHosts, narrowedMethods, waysOf } from "./way.ts";

/** One route of ours, before it gets its id and its place. */
export interface MadeRoute {
  readonly values: MadeMapping;
  readonly placed: Placed;
  readonly from: Input;
  readonly words: readonly string[];
  /** The id it would like to have. */
  readonly id: string;
  /** Stands in for a route that is left out. */
  readonly standIn?: true;
}

/** What converting routes needs. */
export interface RouteContext {
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
function pluginsOf(sources: readonly (Input | undefined)[], context: RouteContext): Map<string, Input> {
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
const ANSWERED: Target = { where: { nodes: [NOWHERE] }, how: {}, words: ["it has no upstream: its redirect answers"] };

/** Where a route's requests go when no rule of traffic-split takes them; undefined: it redirects all of them. */
function branches(route: Input, service: Input | undefined, effects: Effects, resources: Resources): Branch[] {
  const upstream = upstreamOf(route, service, resources);
  if (effects.redirect !== undefined && effects.redirect.only === undefined) {
    if (upstream !== undefined) {
      upstream.take();
      upstream.note("is never asked: the route redirects every request");
    }
    return [];
  }
  const answered = effects.redirect !== undefined || effects.httpsOnly;
  const main = upstream !== undefined ? targetOf(upstream) : answered ? ANSWERED : "it has no upstream";
  if (main === ANSWERED) route.note("what its redirect does not answer gets a 502 here, in APISIX a 503", "trifle");
  const split = effects.split === undefined ? [] : branchesOf(effects.split, main, resources.upstreams);
  if (split.some(({ conditions }) => conditions === NO_CONDITIONS)) return split;
  if (typeof main === "string") return leaveOut(main);
  return [...split, { conditions: NO_CONDITIONS, target: main }];
}

const idOf = (route: Input, index: number): string =>
  route.at("id").text() ?? route.at("name").text() ?? `route-${index + 1}`;

/** One way of a route: what it is made of, with its place among the others. */
interface Matching {
  readonly path: PathMatch;
  readonly conditions: Conditions;
  readonly hosts: readonly string[] | undefined;
  readonly methods: readonly string[] | undefined;
  readonly priority: number;
}

const placedOf = ({ path, conditions, hosts, methods, priority }: Matching, turn: number, from: number): Placed => ({
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

function convert(route: Input, index: number, context: RouteContext): MadeRoute[] {
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
  const effects = noEffects();
  convertPlugins(pluginsOf([route, config, service], context), effects, context.plugins);
  const ways = branches(route, service, effects, context.resources);
  const timeouts = timeoutsOf(route.at("timeout"));
  if (timeouts !== undefined) {
    upstreamOf(route, service, context.resources)?.at("timeout").note("a route with a timeout of its own goes by that");
  }
  sockets(service);
  sockets(route);
  const id = idOf(route, index);
  const priority = route.at("priority").number() ?? 0;
  const words = [
    ...wordsOf(route),
    ...(priority === 0 ? [] : [`priority ${priority} in APISIX, which decides among routes of one path only`]),
    ...(service === undefined ? [] : wordsOf(service).map((text) => `service: ${text}`)),
    ...(config === undefined ? [] : wordsOf(config).map((text) => `plugin config: ${text}`)),
  ];
  const made = paths.flatMap((path) => alternatives.flatMap((one) => waysOf(path, one, ways, effects)));
  return made.map((way, turn): MadeRoute => {
    const { path, conditions } = way;
    const routeHosts = narrowedHosts(hosts, conditions.hosts);
    const routeMethods = narrowedMethods(methods, conditions.methods);
    return {
      from: route,
      id,
      words: [...words, ...(way.target?.words ?? [])],
      values: built(way, routeHosts, routeMethods, effects, timeouts),
      placed: placedOf({ path, conditions, hosts: routeHosts, methods: routeMethods, priority }, turn, index),
    };
  });
}

/** What takes the requests of a route that is left out; more of them where it cannot be said which it took. */
function standInsOf(route: Input, index: number, { resources, parameters }: RouteContext): MadeRoute[] {
  const uris = urisOf(route).texts() ?? [];
  const service = route.at("service_id").exists ? resources.services.find(route.at("service_id")) : undefined;
  const named = hostsOf(route) ?? (service && hostsOf(service));
  const hosts = typeof named === "string" ? undefined : named;
  const methods = route.at("methods").texts();
  const priority = route.at("priority").number() ?? 0;
  const ways = uris.flatMap((uri) => {
    const path = pathOf(uri, parameters);
    return path === undefined ? [] : widerAlternativesOf(route.at("vars")).map((conditions) => ({ path, conditions }));
  });
  return ways.map(({ path, conditions }, turn): MadeRoute => {
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
      words: wordsOf(route),
      values: matchedBy(matching.path, matching.hosts, matching.methods, conditions),
      placed: placedOf(matching, turn, index),
    };
  });
}

/** The routes made of one of APISIX's. One that cannot be there is declined, and stand-ins refuse its requests. */
export function routesOf(route: Input, index: number, context: RouteContext): MadeRoute[] {
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
