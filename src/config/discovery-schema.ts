import * as v from "valibot";
import { list, object, oneOf, words } from "../base/schema/shapes.ts";
import {
  boolean,
  hostOf,
  integer,
  milliseconds,
  namespace,
  portOf,
  regexSource,
  shown,
  shownText,
  shownUrl,
  text,
} from "../base/schema/values.ts";
import type { ClusterOptions } from "../discovery/options.ts";

const PROXY = "the URL of an http or https proxy, such as http://proxy.example.org:3128";

const service = object({
  schema: v.optional(words(["https", "http"]), "https"),
  host: v.optional(hostOf("the apiserver's address: IPv4, IPv6 or a host name, without scheme, port or path")),
  port: v.optional(portOf("the apiserver's port, from 1 to 65535")),
  ssl_verify: v.optional(boolean, true),
  ca_file: v.optional(shownText("the path of a PEM file with the cluster's CA")),
  server_name: v.optional(shownText("the name in the apiserver's certificate")),
  proxy: v.optional(v.pipe(shownUrl(text(PROXY)), v.regex(/^https?:\/\/[^\s/]+\/?$/i, PROXY))),
});

const client = object({
  token: v.optional(text("a service account's token, or a text such as ${TOKEN}")),
  token_file: v.optional(shownText("the path of a file that holds a token")),
  cert_file: v.optional(shownText("the path of a PEM file with a client certificate")),
  key_file: v.optional(shownText("the path of a PEM file with the certificate's key")),
  kubeconfig: v.optional(shownText("the path of a kubeconfig file, or several with colons between")),
  context: v.optional(shownText("the name of a context of the kubeconfig")),
});

const regexList = list(shown(regexSource), "regular expressions");

const namespaceSelector = object({
  equal: v.optional(namespace),
  not_equal: v.optional(namespace),
  match: v.optional(regexList),
  not_match: v.optional(regexList),
});

const SECONDS = "a number of seconds, 0 or more";
const seconds = v.pipe(v.number(SECONDS), v.minValue(0, SECONDS));

const SIZE = 'a size such as "64m"';

/** The keys of one cluster, APISIX's and ours; the id is added for the multi-cluster list. */
const clusterEntries = {
  service: v.optional(service),
  client: v.optional(client),
  namespace_selector: v.optional(namespaceSelector),
  namespaces: v.optional(list(namespace, "namespaces")),
  label_selector: v.optional(shownText("a Kubernetes label selector such as app=web,tier in (a,b)")),
  default_weight: v.optional(integer(0), 50),
  watch_endpoint_slices: v.optional(boolean, false),
  shared_size: v.optional(v.pipe(shown(v.string(SIZE)), v.regex(/^[0-9]+m$/, SIZE))),
  namespace: v.optional(namespace),
  mode: v.optional(words(["watch", "poll", "request", "auto"]), "watch"),
  poll_interval: v.optional(milliseconds(100), 5000),
  max_stale: v.optional(milliseconds(), 0),
  watch_idle: v.optional(milliseconds(1000), 75_000),
  watch_timeout_seconds: v.optional(integer(1)),
  watch_jitter_seconds: v.optional(integer(0)),
  watch_retry_interval_seconds: v.optional(seconds),
  watch_retry_max_seconds: v.optional(seconds),
  empty_grace: v.optional(milliseconds(), 0),
  address_family: v.optional(words(["any", "ipv4", "ipv6"]), "any"),
  resolve_service_ports: v.optional(boolean, false),
  snapshot_file: v.optional(shownText("the path of a file to keep the last good snapshot in")),
  required: v.optional(boolean, true),
} satisfies Record<Exclude<keyof ClusterOptions, "id">, v.GenericSchema>;

const CLUSTER_KEYS = Object.keys(clusterEntries).join(", ");

const singleCluster = object(clusterEntries, `one cluster: a mapping of the keys ${CLUSTER_KEYS}`);

const ID = "an id of lower-case letters, digits and inner dashes, at most 64";

const clusterId = v.pipe(shown(v.string(ID)), v.regex(/^[a-z0-9]([-a-z0-9]{0,62}[a-z0-9])?$/, ID));

/** One cluster of a list; without its id, the one cluster of a file. */
export const clusterSchema = object(
  { id: clusterId, ...clusterEntries },
  `a cluster: a mapping of id, ${CLUSTER_KEYS}`,
);

/** `discovery:` of the file. */
export const discoverySchema = object({
  kubernetes: v.optional(
    oneOf(
      [singleCluster, list(clusterSchema, "clusters")],
      "{} for the cluster this runs in, a mapping for one cluster, or a list of clusters",
    ),
  ),
});

/** `discovery.kubernetes` as written and checked, before defaults that depend on the surroundings. */
export type WrittenDiscovery = v.InferOutput<typeof discoverySchema>;
