import type { YamlValue } from "../document.ts";
import type { Input } from "../input.ts";
import { headerOf, variableOf } from "./variables.ts";

function hashKey(upstream: Input): YamlValue | undefined {
  const on = upstream.at("hash_on").text() ?? "vars";
  const key = upstream.at("key");
  if (on === "consumer") {
    const unused = key.text();
    if (unused !== undefined) key.note("the consumer's name is the key");
    return { header: "x-consumer-username" };
  }
  const name = key.text();
  if (name === undefined) {
    upstream.at("type").decline("chash without a key");
    return undefined;
  }
  if (on === "header") return { header: headerOf(name) };
  if (on === "cookie") return { cookie: name.replace(/^cookie_/, "") };
  const variable = on === "vars" ? variableOf(name) : undefined;
  if (variable?.of === "client_ip") return "client_ip";
  if (variable !== undefined && "name" in variable) return { [variable.of]: variable.name };
  key.decline("requests cannot be hashed by this here: the nodes take turns");
  return undefined;
}

/** `type` of an upstream with what belongs to it; undefined: nodes take turns, as they do here anyway. */
export function balancerOf(upstream: Input): YamlValue | undefined {
  const type = upstream.at("type");
  switch (type.text()) {
    case undefined:
    case "roundrobin":
      return undefined;
    case "least_conn":
      return "least_requests";
    case "ewma":
      type.note("the node with the fewest requests under way is taken, whatever its answers took before");
      return "least_requests";
    case "chash": {
      const key = hashKey(upstream);
      return key === undefined ? undefined : { consistent_hash: key };
    }
    default:
      type.decline("there is no such way to choose a node: they take turns");
      return undefined;
  }
}
