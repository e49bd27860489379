import { isAddress, isHostName, stripBrackets } from "../base/addresses.ts";
import type { Env } from "./interpolate.ts";
import { normalizeLabelSelector } from "./label-selector.ts";
import {
  fault,
  type Place,
  placeAt,
  placesIn,
  present,
  type Rules,
  textUnder,
  under,
  unique,
  valueFault,
  warn,
} from "./rules.ts";

const KUBERNETES = ["discovery", "kubernetes"] as const;

/** The clusters of a file, in either of APISIX's two shapes. */
export interface WrittenClusters {
  readonly on: boolean;
  readonly multi: boolean;
  readonly places: readonly Place[];
}

/** Finds the clusters; a file whose `kubernetes` is neither a mapping nor a list has none. */
export function writtenClusters(rules: Rules): WrittenClusters {
  const { value } = placeAt(rules.document, KUBERNETES.slice(0, 1));
  const kubernetes = value.kubernetes;
  if (Array.isArray(kubernetes)) return { on: true, multi: true, places: placesIn(rules.document, KUBERNETES) };
  const single = typeof kubernetes === "object" && kubernetes !== null;
  return { on: kubernetes !== undefined, multi: false, places: single ? [placeAt(rules.document, KUBERNETES)] : [] };
}

/** The port a pod's environment names, if it is one. */
const isPort = (text: string): boolean => /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;

/** What a pod finds in its environment (Kubernetes: service environment variables), and when that is usable. */
const FROM_ENV = {
  host: {
    variable: "KUBERNETES_SERVICE_HOST",
    fits: (text: string): boolean => isAddress(stripBrackets(text)) || isHostName(text),
    what: "the apiserver's address",
  },
  port: { variable: "KUBERNETES_SERVICE_PORT", fits: isPort, what: "the apiserver's port" },
} as const;

/** An apiserver must be named by the file, a kubeconfig or, for a single cluster, the pod's environment. */
function apiserverIsNamed(rules: Rules, cluster: Place, multi: boolean, env: Env): void {
  const service = under(rules.document, cluster, "service");
  const client = under(rules.document, cluster, "client");
  if (Object.hasOwn(client.value, "kubeconfig")) return;
  for (const key of ["host", "port"] as const) {
    if (Object.hasOwn(service.value, key)) continue;
    const { variable, fits, what } = FROM_ENV[key];
    const instead = "or client.kubeconfig";
    const given = env[variable];
    if (multi) fault(rules, service, key, `is missing: write ${what}, ${instead}; a list of clusters has no default`);
    else if (!given) fault(rules, service, key, `is missing and ${variable} is not set: write ${what}, ${instead}`);
    else if (!fits(given)) fault(rules, service, key, `is missing and ${variable} does not hold one: write ${what}`);
  }
}

function selectorIsUsable(rules: Rules, cluster: Place): void {
  const text = textUnder(cluster, "label_selector");
  if (!text) return;
  const normal = normalizeLabelSelector(text);
  if ("error" in normal) {
    valueFault(
      rules,
      cluster,
      "label_selector",
      `must be a Kubernetes label selector such as app=web: ${normal.error}`,
    );
  } else if (normal.unquoted) {
    const why = "has quotes, which an apiserver refuses: they are dropped";
    warn(rules, cluster, "label_selector", why);
  }
}

function clientIsClear(rules: Rules, cluster: Place, multi: boolean): void {
  const client = under(rules.document, cluster, "client");
  const service = under(rules.document, cluster, "service");
  if (service.value.ssl_verify === false) {
    const why = "is false: anybody between here and the apiserver can read the token and answer in its place";
    warn(rules, service, "ssl_verify", why);
  }
  const anonymous = present(client, ["token", "token_file", "cert_file", "kubeconfig"]).length === 0;
  if (multi && anonymous && service.value.schema !== "http") {
    warn(rules, cluster, "client", "has no credentials: the apiserver sees an anonymous client");
  }
}

/** Everything about `discovery.kubernetes` that concerns more than one key. */
export function checkClusters(rules: Rules, clusters: WrittenClusters, env: Env): void {
  for (const cluster of clusters.places) {
    apiserverIsNamed(rules, cluster, clusters.multi, env);
    clientIsClear(rules, cluster, clusters.multi);
    selectorIsUsable(rules, cluster);
    const named = cluster.value.namespaces;
    const names = Array.isArray(named) ? named.filter((name) => typeof name === "string") : [];
    if (new Set(names).size < names.length) fault(rules, cluster, "namespaces", "names one of them twice");
  }
  unique(
    rules,
    clusters.places.flatMap((place) => {
      const id = textUnder(place, "id");
      return clusters.multi && id !== undefined ? [{ place, key: "id", value: id }] : [];
    }),
  );
  // Each would overwrite what the other has written.
  unique(
    rules,
    clusters.places.flatMap((place) => {
      const path = textUnder(place, "snapshot_file");
      return path === undefined ? [] : [{ place, key: "snapshot_file", value: path }];
    }),
  );
}
