import { isAddress, isHostName, stripBrackets } from "../../base/addresses.ts";
import { isMapping } from "../../base/schema/shapes.ts";
import type { Env } from "../../platform/process.ts";
import { normalizeLabelSelector } from "./label-selector.ts";
import {
  fault,
  itemsUnder,
  type Place,
  present,
  type Rules,
  textUnder,
  under,
  uniqueTexts,
  valueFault,
  warn,
} from "./rules.ts";

/** The clusters of a file, in either of APISIX's two shapes. */
export interface RawClusters {
  readonly on: boolean;
  readonly multi: boolean;
  readonly places: readonly Place[];
}

/** Finds the clusters; a file whose `kubernetes` is neither a mapping nor a list has none. */
export function rawClusters({ root }: Rules): RawClusters {
  const discovery = under(root, "discovery");
  const { kubernetes } = discovery.value;
  if (Array.isArray(kubernetes)) return { on: true, multi: true, places: itemsUnder(discovery, "kubernetes") };
  const places = isMapping(kubernetes) ? [under(discovery, "kubernetes")] : [];
  return { on: kubernetes !== undefined, multi: false, places };
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
  const service = under(cluster, "service");
  const client = under(cluster, "client");
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

/** Everything about `discovery.kubernetes` that concerns more than one key. */
export function checkClusters(rules: Rules, { places, multi }: RawClusters, env: Env): void {
  for (const cluster of places) {
    apiserverIsNamed(rules, cluster, multi, env);
    const credentials = present(under(cluster, "client"), ["token", "token_file", "cert_file", "kubeconfig"]);
    if (multi && credentials.length === 0 && under(cluster, "service").value.schema !== "http") {
      warn(rules, cluster, "client", "has no credentials: the apiserver sees an anonymous client");
    }
    selectorIsUsable(rules, cluster);
    const named = cluster.value.namespaces;
    const names = Array.isArray(named) ? named.filter((name) => typeof name === "string") : [];
    if (new Set(names).size < names.length) fault(rules, cluster, "namespaces", "names one of them twice");
  }
  if (multi) uniqueTexts(rules, places, "id");
  // Each would overwrite what the other has written.
  uniqueTexts(rules, places, "snapshot_file");
}
