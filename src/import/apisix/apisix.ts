import { withDefaultMiddleware } from "../default-middleware.ts";
import { commented, convertedFrom, type YamlMapping, type YamlValue } from "../document.ts";
import type { Importer } from "../importer.ts";
import type { Input } from "../input.ts";
import { StandIn } from "../stand-in.ts";
import { headerChanges, middlewareOf, noActions } from "./actions.ts";
import { commentsOf } from "./comments.ts";
import { consumersOf, declineOwn, declineUnasked } from "./consumers.ts";
import { countsOf, withSharedCounts } from "./counts.ts";
import { apisixDiscovery } from "./discovery.ts";
import { nearestPlace } from "./nearest.ts";
import { apisixPriorities } from "./order.ts";
import { convertPlugins } from "./plugins/index.ts";
import type { PluginContext } from "./plugins/plugin.ts";
import { RESOURCE_KEYS, type Resources, resourcesOf } from "./resources.ts";
import { type ApisixContext, type ApisixRoute, convertApisixRoute } from "./route.ts";
import { adminBlock, type ServerPart, serverBlock, serverOf } from "./server.ts";
import { streamsOf } from "./streams.ts";
import { apisixText } from "./text.ts";
import { RETRIES, TIMEOUT_MS } from "./upstream.ts";

/** Keys of config.yaml. */
const CONFIG_KEYS = ["apisix", "deployment", "discovery", "nginx_config", "plugin_attr", "plugins", "stream_plugins"];

/** Defaults that no global rule makes. */
const OWN = ["timeouts", "retries", "keepalive"];

/** Global rules: what they do to every request, as `defaults`. */
function defaultsOf(
  rules: readonly Input[],
  context: PluginContext,
  { asked: timeouts, keepalive, guards }: { asked: boolean } & Pick<ServerPart, "keepalive" | "guards">,
): YamlMapping | undefined {
  const actions = noActions();
  actions.unconverted.push(...guards);
  for (const rule of rules) {
    const plugins = rule.at("plugins");
    if (plugins.exists && plugins.keys().length === 0) plugins.take();
    else rule.note("a request that no route takes gets its 404 without it; APISIX asks it of those too", "trifle");
    convertPlugins(new Map(plugins.keys().map((name) => [name, plugins.at(name)])), actions, context);
  }
  const middleware = middlewareOf(actions);
  const words = [
    ...rules.flatMap((rule) => {
      const id = rule.at("id").text();
      return [...(id === undefined ? [] : [`global rule ${id}`]), ...commentsOf(rule)];
    }),
  ];
  const made = {
    timeouts: timeouts
      ? commented({ connect: TIMEOUT_MS, try: TIMEOUT_MS, response: 0, idle: TIMEOUT_MS }, "APISIX's own")
      : undefined,
    retries: timeouts ? commented(RETRIES, "each node once, as in APISIX") : undefined,
    keepalive: timeouts ? keepalive : undefined,
    request_headers: headerChanges(actions.request),
    response_headers: headerChanges(actions.response),
    middleware: middleware.length === 0 ? undefined : middleware,
  };
  const [first] = Object.entries(made).flatMap(([key, value]) =>
    value === undefined || OWN.includes(key) ? [] : [key],
  );
  if (first === undefined) return timeouts ? made : undefined;
  return { ...made, [first]: convertedFrom(rules, made[first as keyof typeof made]!, ...words) };
}

/** A route for each of its hosts. */
const byTheirHosts = (route: ApisixRoute): ApisixRoute[] =>
  (route.placement.hosts ?? []).length < 2
    ? [route]
    : route.placement.hosts!.map((host) => ({
        ...route,
        values: { ...route.values, hosts: [host] },
        placement: { ...route.placement, hosts: [host] },
      }));

/** Routes with ids of their own, in their order, and a priority where they need one. */
function routeList(given: readonly ApisixRoute[], byHost: boolean): YamlValue[] {
  const placed = (routes: readonly ApisixRoute[]) => routes.map((route) => route.placement);
  const whole = apisixPriorities(placed(given), byHost);
  const made = whole === undefined ? given.flatMap(byTheirHosts) : given;
  const priorities = whole ?? apisixPriorities(placed(made), byHost) ?? [];
  const taken = new Set<string>();
  const counted = withSharedCounts(made.map(({ values }) => values));
  return made.map(({ id, comments: words, from, standIn }, index) => {
    let name = id;
    for (let turn = 2; taken.has(name); turn++) name = `${id}-${turn}`;
    taken.add(name);
    const priority = priorities[index] || undefined;
    const route = { id: name, priority, ...counted[index] };
    return standIn ? new StandIn(route, words, [from]) : convertedFrom(from, route, ...words);
  });
}

const keyOf = ({ file, path }: Input): string => JSON.stringify([file, path]);

/** What consumers, services and other shared objects hold that no route came to use. */
function declineUnused(resources: Resources, uses: ReadonlySet<string>, overridden: ReadonlyMap<string, Input>): void {
  for (const group of resources.consumerGroups.all()) declineOwn(group);
  resources.consumerGroups.declineUnused("no consumer is in it");
  resources.services.declineUnused("no route uses it");
  resources.upstreams.declineUnused("no route uses it");
  resources.pluginConfigs.declineUnused("no route uses it");
  for (const conf of overridden.values()) conf.decline("the plugins of every route that uses it take its place");
  for (const consumer of resources.consumers) declineUnasked(consumer, uses);
  for (const ssl of resources.ssls) {
    const clients = ssl.at("client").exists ? "; client certificates are not asked for here" : "";
    ssl.decline(
      `certificates stand in files here: name them in server.tls, and set server.listen to the port for https${clients}`,
      clients === "" ? "difference" : "access",
    );
  }
}

/** What APISIX does unless config.yaml says otherwise, and the gateway does not. */
const UNDERSCORES =
  'request headers with _ in their names are dropped; APISIX\'s own default lets them pass, as underscores_in_headers: "on" in config.yaml does here';

function convert(roots: readonly Input[]): YamlMapping {
  const server = serverOf(roots);
  const resources = resourcesOf(roots);
  const trusted: string[] = [];
  const uses = new Set<string>();
  const overridden = new Map<string, Input>();
  const converted = new Set<string>();
  const plugins = {
    consumers: consumersOf(resources),
    uses: (plugin: string) => void uses.add(plugin),
    httpsPort: server.httpsPort,
    countOf: countsOf(roots),
    trust: (blocks: readonly string[]) => void trusted.push(...blocks),
  };
  const context: ApisixContext = {
    resources,
    plugins: { ...plugins, global: false },
    parameters: server.parameters,
    overridden: (conf) => void overridden.set(keyOf(conf), conf),
    converted: (conf) => void converted.add(keyOf(conf)),
  };
  const routes = resources.routes.flatMap((route, index) => convertApisixRoute(route, index, context));
  if (server.underscores === undefined && routes.length > 0) roots[0]?.note(UNDERSCORES);
  const defaults = defaultsOf(
    resources.globalRules,
    { ...plugins, global: true },
    { ...server, asked: routes.length > 0 },
  );
  const streams = streamsOf(roots, resources);
  for (const key of converted) overridden.delete(key);
  declineUnused(resources, uses, overridden);
  return {
    server: serverBlock(server, trusted),
    admin: adminBlock(server),
    discovery: apisixDiscovery(roots),
    defaults,
    streams,
    routes: routes.length === 0 ? undefined : withDefaultMiddleware(defaults, routeList(routes, server.byHost)),
  };
}

/** APISIX's config.yaml, and its standalone apisix.yaml or apisix.json. */
export const apisix: Importer = {
  name: "APISIX",
  switches: [],
  text: apisixText,
  why: nearestPlace,
  refuse: (roots) =>
    roots.some((root) => [...CONFIG_KEYS, ...RESOURCE_KEYS].some((key) => root.at(key).exists))
      ? undefined
      : `this is neither APISIX's config.yaml nor a standalone configuration: none of the keys ${[...CONFIG_KEYS, ...RESOURCE_KEYS].join(", ")} is there`,
  convert,
};
