import * as v from "valibot";
import { type KeyRules, key, mapping, oneFile, optional, withDefault } from "../../base/schema/key.ts";
import { list, object, oneOf, words } from "../../base/schema/shapes.ts";
import {
  boolean,
  durationMs,
  hostValue,
  integer,
  namespace,
  portValue,
  regexSource,
  shown,
  shownText,
  shownUrl,
  text,
} from "../../base/schema/values.ts";
import type { ClusterOptions } from "../../discovery/options.ts";
import { kubeconfigPaths } from "../../kubernetes/kubeconfig-paths.ts";
import { NO_CA_FILE, NO_CLIENT_CERTIFICATE, NO_FILES, NO_TLS } from "./unsupported.ts";
import { CERTIFICATE } from "./upstream.ts";

const PROXY = "the URL of an http or https proxy, such as http://proxy.example.org:3128";

const service = object({
  schema: withDefault(words(["https", "http"]), "https", {
    help: "The protocol of the apiserver; http is unencrypted.",
  }),
  host: optional(hostValue("the apiserver's address: IPv4, IPv6 or a host name, without scheme, port or path"), {
    help: "In a pod ${KUBERNETES_SERVICE_HOST}.",
  }),
  port: optional(portValue("the apiserver's port, from 1 to 65535"), { help: "In a pod ${KUBERNETES_SERVICE_PORT}." }),
  ssl_verify: withDefault(boolean, true, {
    help: "Whether the apiserver's certificate is checked (APISIX's default is false).",
    workers: (verify) => (verify === false ? NO_TLS : undefined),
    warning: (verify) =>
      verify === false
        ? "is false: anybody between here and the apiserver can read the token and answer in its place"
        : undefined,
  }),
  ca_file: optional(shownText("the path of a PEM file with the cluster's CA"), {
    help: "In a pod the service account's ca.crt.",
    files: oneFile,
    workers: NO_CA_FILE,
  }),
  server_name: optional(shownText("the name in the apiserver's certificate"), {
    help: "The name that the apiserver's certificate must have; by default its host.",
    workers: NO_TLS,
  }),
  proxy: optional(v.pipe(shownUrl(text(PROXY)), v.regex(/^https?:\/\/[^\s/]+\/?$/i, PROXY)), {
    help: "A forward proxy to the apiserver; by default HTTPS_PROXY or HTTP_PROXY of the environment, save NO_PROXY. Never used for this machine.",
  }),
});

const CLIENT_RULES: KeyRules = {
  apart: [["token", "token_file"]],
  with: { ...CERTIFICATE, context: "kubeconfig" },
};

const client = mapping(
  object({
    token: optional(text("a service account's token, or a text such as ${TOKEN}"), {
      help: "Sent as Authorization: Bearer.",
    }),
    token_file: optional(shownText("the path of a file that holds a token"), {
      help: "Read again at least every minute, and at once on a 401.",
      files: oneFile,
      workers: `${NO_FILES}: write token: \${NAME} and set it with \`wrangler secret put NAME\``,
    }),
    cert_file: optional(shownText("the path of a PEM file with a client certificate"), {
      help: "Shown to the apiserver; read again when the file changes.",
      files: oneFile,
      workers: NO_CLIENT_CERTIFICATE,
    }),
    key_file: optional(shownText("the path of a PEM file with the certificate's key"), {
      help: "The private key of cert_file.",
      files: oneFile,
      workers: NO_CLIENT_CERTIFICATE,
    }),
    kubeconfig: optional(shownText("the path of a kubeconfig file, or several with colons between"), {
      help: "Server, CA, token, certificate, exec plugins, proxy-url and namespace are taken from it; several files are merged as kubectl does.",
      files: kubeconfigPaths,
      workers: `${NO_FILES}: write service and client instead`,
    }),
    context: optional(shownText("the name of a context of the kubeconfig"), {
      help: "Which context of the kubeconfig counts; by default its current-context.",
      workers: "belongs to client.kubeconfig, which Workers cannot read",
    }),
  }),
  { rules: CLIENT_RULES },
);

const regexList = list(shown(regexSource), "regular expressions");

const namespaceSelector = mapping(
  object({
    equal: optional(namespace, { help: "Only this namespace." }),
    not_equal: optional(namespace, { help: "Every namespace but this one." }),
    match: optional(regexList, { help: "Namespaces whose whole name one of these matches." }),
    not_match: optional(regexList, { help: "All but namespaces whose whole name one of these matches." }),
  }),
  { rules: { apart: [["equal", "not_equal", "match", "not_match"]] } },
);

const SECONDS = "a number of seconds, 0 or more";
const seconds = v.pipe(v.number(SECONDS), v.minValue(0, SECONDS));

const SIZE = 'a size such as "64m"';

/** Anything but polling would hold a stream open between requests; a mode that is left out means polling there. */
function onlyPolls(mode: unknown): string | undefined {
  if (typeof mode !== "string" || mode === "poll") return undefined;
  const why =
    mode === "request"
      ? "asks the apiserver for every request, each a subrequest of a limited number"
      : "needs a stream that outlives the request that opened it, which Workers does not allow";
  return `must be poll on Workers (or left out): ${mode} ${why}`;
}

const CLUSTER_RULES: KeyRules = { apart: [["namespaces", "namespace_selector"]] };

/** The keys of one cluster, APISIX's and ours; the id is added for the multi-cluster list. */
const clusterEntries = {
  service: optional(service, { help: "Where the apiserver is; in a pod it is known." }),
  client: optional(client, { help: "Who this is to the apiserver; in a pod its service account." }),
  namespace_selector: optional(namespaceSelector, { help: "Which namespaces count: exactly one of its keys." }),
  namespaces: optional(list(namespace, "namespaces"), {
    help: "Only these, each listed and watched on its own: a Role in each is enough.",
  }),
  label_selector: optional(shownText("a Kubernetes label selector such as app=web,tier in (a,b)"), {
    help: "Only Endpoints or EndpointSlices with these labels.",
  }),
  default_weight: withDefault(integer(0), 50, {
    help: "Weight of a node; 0 takes no new traffic while others have weight.",
  }),
  watch_endpoint_slices: withDefault(boolean, false, { help: "Reads EndpointSlices instead of Endpoints." }),
  shared_size: optional(v.pipe(shown(v.string(SIZE)), v.regex(/^[0-9]+m$/, SIZE)), {
    help: "APISIX's key: above this estimate of the snapshot there is a warning.",
  }),
  namespace: optional(namespace, {
    help: "Namespace of a service reference that names none; by default the pod's own, else default.",
  }),
  mode: withDefault(words(["watch", "poll", "request", "auto"]), "watch", {
    help: "How the cluster is followed: watch, poll, request (asked for each request), or auto: watch, and poll while watches break.",
    workers: onlyPolls,
  }),
  poll_interval: withDefault(durationMs(100), 5000, { help: "Time between two polls." }),
  max_stale: withDefault(durationMs(), 0, {
    help: "An older snapshot has to be refreshed before it is used. 0: the last good one is used for ever.",
  }),
  watch_idle: withDefault(durationMs(1000), 75_000, { help: "A watch that is silent for longer is opened again." }),
  watch_timeout_seconds: optional(integer(1), {
    help: "APISIX's key: how long one watch may last before it is asked for again; by default 240 to 290, and never more than 290.",
  }),
  watch_jitter_seconds: optional(integer(0), {
    help: "APISIX's key: so much is added at random to watch_timeout_seconds.",
  }),
  watch_retry_interval_seconds: optional(seconds, {
    help: "APISIX's key: the first pause after a failure, by default 0.5.",
  }),
  watch_retry_max_seconds: optional(seconds, {
    help: "APISIX's key: the longest pause after failures in a row, by default 30.",
  }),
  empty_grace: withDefault(durationMs(), 0, {
    help: "How long the last nodes of a service that became empty are still used.",
  }),
  address_family: withDefault(words(["any", "ipv4", "ipv6"]), "any", {
    help: "Which address of a dual-stack pod is used.",
  }),
  resolve_service_ports: withDefault(boolean, false, {
    help: "Services are followed too, so that namespace/name:80 may mean the Service's own port.",
  }),
  snapshot_file: optional(shownText("the path of a file to keep the last good snapshot in"), {
    help: "A new start serves from it until the first list is there.",
    workers: `${NO_FILES}: bind the Durable Object SnapshotHolder to keep a shared snapshot`,
  }),
  required: withDefault(boolean, true, { help: "Whether /readyz waits for this cluster." }),
} satisfies Record<Exclude<keyof ClusterOptions, "id">, v.GenericSchema>;

const CLUSTER_KEYS = Object.keys(clusterEntries).join(", ");

const singleCluster = mapping(object(clusterEntries, `one cluster: a mapping of the keys ${CLUSTER_KEYS}`), {
  rules: CLUSTER_RULES,
});

const ID = "an id of lower-case letters, digits and inner dashes, at most 64";

const clusterId = v.pipe(shown(v.string(ID)), v.regex(/^[a-z0-9]([-a-z0-9]{0,62}[a-z0-9])?$/, ID));

/** One cluster of a list; without its id, the one cluster of a file. */
export const clusterSchema = mapping(
  object(
    { id: key(clusterId, { help: "What service references begin with." }), ...clusterEntries },
    `a cluster: a mapping of id, ${CLUSTER_KEYS}`,
  ),
  { rules: CLUSTER_RULES },
);

/** `discovery:` of the file. */
export const discoverySchema = object({
  kubernetes: optional(
    oneOf(
      [singleCluster, list(clusterSchema, "clusters")],
      "{} for the cluster this runs in, a mapping for one cluster, or a list of clusters",
    ),
    { help: "The clusters whose services routes may name." },
  ),
});

/** `discovery.kubernetes` as written and checked, before defaults that depend on the surroundings. */
export type RawDiscovery = v.InferOutput<typeof discoverySchema>;
