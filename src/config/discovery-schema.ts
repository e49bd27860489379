import * as v from "valibot";
import { integer, milliseconds, nonEmpty, port, regexSource } from "./values.ts";

/** How a cluster is followed (design: Discovery config, `mode`). */
export type DiscoveryMode = "watch" | "poll" | "request" | "auto";

const service = v.strictObject({
  schema: v.optional(v.picklist(["https", "http"]), "https"),
  host: v.optional(nonEmpty),
  port: v.optional(port),
  ssl_verify: v.optional(v.boolean(), true),
  ca_file: v.optional(nonEmpty),
  server_name: v.optional(nonEmpty),
});

const client = v.strictObject({
  token: v.optional(nonEmpty),
  token_file: v.optional(nonEmpty),
  cert_file: v.optional(nonEmpty),
  key_file: v.optional(nonEmpty),
  kubeconfig: v.optional(nonEmpty),
  context: v.optional(nonEmpty),
});

const regexList = v.pipe(v.array(regexSource), v.minLength(1, "at least one regular expression"));

const namespaceSelector = v.strictObject({
  equal: v.optional(nonEmpty),
  not_equal: v.optional(nonEmpty),
  match: v.optional(regexList),
  not_match: v.optional(regexList),
});

/** The keys of one cluster, APISIX's and ours; the id is added for the multi-cluster list. */
const clusterEntries = {
  service: v.optional(service),
  client: v.optional(client),
  namespace_selector: v.optional(namespaceSelector),
  namespaces: v.optional(v.pipe(v.array(nonEmpty), v.minLength(1, "at least one namespace"))),
  label_selector: v.optional(nonEmpty),
  default_weight: v.optional(integer(0), 50),
  watch_endpoint_slices: v.optional(v.boolean(), false),
  shared_size: v.optional(v.pipe(v.string(), v.regex(/^[1-9][0-9]*m$/, "a size such as 64m"))),
  namespace: v.optional(nonEmpty),
  mode: v.optional(v.picklist(["watch", "poll", "request", "auto"]), "watch"),
  poll_interval: v.optional(integer(100), 5000),
  max_stale: v.optional(milliseconds, 0),
  watch_idle: v.optional(integer(1000), 75_000),
  empty_grace: v.optional(milliseconds, 0),
  address_family: v.optional(v.picklist(["any", "ipv4", "ipv6"]), "any"),
  resolve_service_ports: v.optional(v.boolean(), false),
  snapshot_file: v.optional(nonEmpty),
  required: v.optional(v.boolean(), true),
} as const;

const singleCluster = v.strictObject(clusterEntries);

const clusterId = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9]([-a-z0-9]{0,62}[a-z0-9])?$/, "an id of lower-case letters, digits and inner dashes, at most 64"),
);

const multiCluster = v.strictObject({ id: clusterId, ...clusterEntries });

/** `discovery:` of the file. */
export const discoverySchema = v.strictObject({
  kubernetes: v.optional(v.union([singleCluster, v.array(multiCluster)])),
});

type Single = v.InferOutput<typeof singleCluster>;

/**
 * One cluster as the rest of the program sees it: every default filled in, APISIX's two shapes made one.
 * In single-cluster mode the id is "" and no output shows it.
 */
export interface ClusterConfig extends Omit<Single, "service" | "client" | "namespace"> {
  id: string;
  /** undefined where a kubeconfig names the server. */
  service: v.InferOutput<typeof service> | undefined;
  client: v.InferOutput<typeof client>;
  /** Namespace of a service reference that names none. */
  namespace: string;
}
