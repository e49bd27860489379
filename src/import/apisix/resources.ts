import type { Input } from "../input.ts";

/** Objects that others refer to by their id. */
export interface ObjectsById {
  /** The object a reference names; undefined, with the reference declined: there is none. */
  find(reference: Input): Input | undefined;
  all(): readonly Input[];
  /** Reports those that no route refers to. */
  declineUnused(why: string): void;
}

/** What the files hold, those of several files together. */
export interface Resources {
  readonly routes: readonly Input[];
  readonly streamRoutes: readonly Input[];
  readonly services: ObjectsById;
  readonly upstreams: ObjectsById;
  readonly pluginConfigs: ObjectsById;
  readonly consumers: readonly Input[];
  readonly consumerGroups: ObjectsById;
  readonly globalRules: readonly Input[];
  readonly ssls: readonly Input[];
}

/** The keys of a standalone file. */
export const RESOURCE_KEYS = [
  "routes",
  "services",
  "upstreams",
  "plugin_configs",
  "global_rules",
  "consumers",
  "consumer_groups",
  "ssls",
  "stream_routes",
] as const;

/** The mappings of a list; what else stands in it is declined. */
function objectsOf(list: Input): Input[] {
  if (!list.exists) return [];
  if (list.raw === null || (list.isList && list.items().length === 0)) list.take();
  else if (!list.isList) list.decline("it must be a list");
  return !list.isList
    ? []
    : list.items().filter((item) => {
        if (!item.isMapping) item.decline("it must be a mapping");
        return item.isMapping;
      });
}

function libraryOf(objects: readonly Input[], what: string): ObjectsById {
  const byId = new Map<string, Input>();
  const used = new Set<Input>();
  for (const object of objects) {
    const id = object.at("id").text();
    if (id === undefined) object.at("id").decline("an id is a text or a number");
    else if (byId.has(id)) object.decline(`there is another ${what} of this id before it`);
    else byId.set(id, object);
  }
  return {
    find(reference) {
      const id = reference.text();
      if (id === undefined) return undefined;
      const found = byId.get(id);
      if (found === undefined) reference.decline(`there is no ${what} of this id in these files`);
      else used.add(found);
      return found;
    },
    all: () => objects,
    declineUnused(why) {
      for (const object of byId.values()) if (!used.has(object)) object.decline(why);
    },
  };
}

/** Gathers the objects of all files. */
export function resourcesOf(roots: readonly Input[]): Resources {
  const gather = (key: (typeof RESOURCE_KEYS)[number]): Input[] => roots.flatMap((root) => objectsOf(root.at(key)));
  return {
    routes: gather("routes"),
    streamRoutes: gather("stream_routes"),
    services: libraryOf(gather("services"), "service"),
    upstreams: libraryOf(gather("upstreams"), "upstream"),
    pluginConfigs: libraryOf(gather("plugin_configs"), "plugin config"),
    consumers: gather("consumers"),
    consumerGroups: libraryOf(gather("consumer_groups"), "consumer group"),
    globalRules: gather("global_rules"),
    ssls: gather("ssls"),
  };
}
