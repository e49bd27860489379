import { commented, convertedFrom, type YamlMapping, type YamlValue } from "../document.ts";
import type { Input } from "../input.ts";
import { discoveryText } from "./text.ts";

/** A text of the discovery block, where `${NAME}` is a variable too. */
function text(input: Input): string | undefined {
  if (input.raw === null) {
    input.decline("it is empty: fill it in here");
    return undefined;
  }
  const read = input.text();
  return read === undefined || typeof input.raw !== "string" ? read : discoveryText(input.raw);
}

function number(input: Input): YamlValue | undefined {
  if (typeof input.raw === "string" && input.raw.includes("${")) return text(input);
  return input.raw === null ? text(input) : input.number();
}

const some = (made: YamlMapping): YamlMapping | undefined =>
  Object.values(made).some((value) => value !== undefined) ? made : undefined;

function selector(input: Input): YamlMapping | undefined {
  if (!input.exists) return undefined;
  const kinds = ["equal", "not_equal", "match", "not_match"].filter((kind) => input.at(kind).exists);
  for (const more of kinds.slice(1))
    input.at(more).decline(`only one of them can stand here, and ${kinds[0]} is there`);
  const [kind] = kinds;
  if (kind === undefined) {
    if (input.keys().length === 0) input.take();
    return undefined;
  }
  const value = kind.endsWith("match") ? input.at(kind).texts() : text(input.at(kind));
  return value === undefined ? undefined : { [kind]: value };
}

function cluster(input: Input, id: string | undefined): YamlMapping {
  const service = input.at("service");
  const client = input.at("client");
  if (service.raw === null || client.raw === null)
    for (const one of [service, client]) if (one.raw === null) one.take();
  const apiserver = some({
    schema: text(service.at("schema")),
    host: text(service.at("host")),
    port: number(service.at("port")),
  });
  const reads = some({ token: text(client.at("token")), token_file: text(client.at("token_file")) });
  if (service.at("host").exists && service.at("schema").raw !== "http") {
    service
      .at("host")
      .note(
        "the apiserver's certificate is checked here, which APISIX does not do: add service.ca_file where its CA is not the system's or the pod's own",
      );
  }
  return {
    id,
    service: apiserver,
    client: reads,
    namespace_selector: selector(input.at("namespace_selector")),
    label_selector: text(input.at("label_selector")),
    default_weight: number(input.at("default_weight")),
    watch_endpoint_slices: input.at("watch_endpoint_slices").boolean(),
    shared_size: text(input.at("shared_size")),
  };
}

/** `discovery:` of config.yaml; undefined: there is none for Kubernetes. */
export function apisixDiscovery(roots: readonly Input[]): YamlMapping | undefined {
  const [first, ...more] = roots.map((root) => root.at("discovery").at("kubernetes")).filter((one) => one.exists);
  for (const one of more) one.decline("another file has discovery.kubernetes already");
  if (first === undefined) return undefined;
  if (!first.isList && !first.isMapping) {
    if (first.raw !== null) first.decline("it must be a mapping, or a list of clusters");
    else first.take();
    return first.raw === null ? { kubernetes: {} } : undefined;
  }
  const words = "watch_endpoint_slices: true would read EndpointSlices, which newer clusters prefer";
  if (first.isMapping) {
    if (first.keys().length === 0) first.take();
    return { kubernetes: convertedFrom(first, cluster(first, undefined), words) };
  }
  const clusters = first.items().flatMap((item): YamlValue[] => {
    if (!item.isMapping) {
      item.decline("it must be a mapping");
      return [];
    }
    const id = item.at("id").text();
    if (id === undefined) {
      item.decline("it has no id");
      return [];
    }
    return [convertedFrom(item, cluster(item, id))];
  });
  return clusters.length === 0 ? undefined : { kubernetes: commented(clusters, words) };
}
