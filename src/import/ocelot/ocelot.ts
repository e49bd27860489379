import { commented, type YamlMapping, type YamlValue } from "../document.ts";
import { escapeVariables } from "../escaping.ts";
import type { Importer } from "../importer.ts";
import type { Input } from "../input.ts";
import { ocelotDiscovery } from "./discovery.ts";
import { declineGlobals, globalsOf } from "./globals.ts";
import { withoutComments } from "./json.ts";
import { ocelotPriorities } from "./order.ts";
import { convertOcelotRoute, declineOthers, type OcelotRoute, outputOf } from "./route.ts";
import { declineSet, isUnset, takeUnset } from "./values.ts";

const SECTIONS = ["Routes", "ReRoutes", "GlobalConfiguration", "Aggregates", "ReRouteAggregates", "DynamicRoutes"];

/** How long Ocelot waits for an upstream. */
const TIMEOUT_MS = 90_000;

/** The file whose `GlobalConfiguration` counts: ocelot.global.json where there is one, as when Ocelot merges files. */
function globalRoot(roots: readonly Input[]): Input {
  const having = roots.filter((root) => !isUnset(root.at("GlobalConfiguration")));
  const named = having.find(({ file }) => /(?:^|[/\\.])global\.json$/i.test(file));
  const chosen = named ?? having[0] ?? roots[0]!;
  for (const root of having) {
    if (root !== chosen) root.at("GlobalConfiguration").decline(`the one of ${chosen.file} counts`);
  }
  return chosen.at("GlobalConfiguration");
}

/** Routes with ids of their own. */
function routeList(made: readonly OcelotRoute[]): YamlValue[] {
  const priorities = ocelotPriorities(made.map(({ placement: placed }) => placed));
  const taken = new Set<string>(made.map((_, index) => String(index)));
  return made.map((route, index) => {
    const { id } = route;
    const own = id !== undefined && !taken.has(id) ? id : undefined;
    if (own !== undefined) taken.add(own);
    else if (id !== undefined) route.from.at("Key").note("another route has it already, so this one goes without");
    return outputOf({ ...route, id: own }, priorities[index]!);
  });
}

function convert(roots: readonly Input[], on: (name: string) => boolean): YamlMapping {
  for (const root of roots) takeUnset(root);
  const root = globalRoot(roots);
  const provider = root.at("ServiceDiscoveryProvider");
  const discovery = ocelotDiscovery(provider, on("use-host"));
  const globals = globalsOf(root);
  const used = { baseUrl: false };
  const context = { globals, discovery, used };
  const written = roots.flatMap((one) => [...one.at("Routes").items(), ...one.at("ReRoutes").items()]);
  const routes = written.flatMap((route) => convertOcelotRoute(route, context) ?? []);
  for (const one of roots) {
    declineOthers(one);
    for (const key of ["Routes", "ReRoutes"]) {
      const list = one.at(key);
      if (list.exists && !list.isList) declineSet(list, "it must be a list of routes");
    }
  }
  if (written.length === 0 && discovery.on)
    provider.note("without Routes Ocelot takes the service from the path; here every service needs a route");
  declineGlobals(root, used);
  const namespaces = routes.flatMap(({ namespace }) => namespace ?? []);
  return {
    discovery: discovery.block(namespaces),
    defaults:
      routes.length === 0
        ? undefined
        : {
            pass_host: commented("node", "Ocelot's upstreams see their own address in Host; pass is the client's"),
            timeouts: commented({ response: TIMEOUT_MS }, "Ocelot's own"),
          },
    routes: routes.length === 0 ? undefined : routeList(routes),
  };
}

/** Ocelot's ocelot.json, or the ocelot.*.json it is merged from. */
export const ocelot: Importer = {
  name: "Ocelot",
  switches: [
    {
      name: "use-host",
      help: "Ocelot's: the Scheme, Host and Port of its ServiceDiscoveryProvider are where the apiserver is. Otherwise it is the pod's own.",
    },
  ],
  anyCase: true,
  text: escapeVariables,
  prepare: withoutComments,
  refuse: (roots) =>
    roots.some((root) => SECTIONS.some((key) => root.at(key).exists))
      ? undefined
      : `this is not Ocelot's configuration: none of the keys ${SECTIONS.join(", ")} is there`,
  convert,
};
