/**
 * Which keys of one mapping go together. Told once, for the loader's messages and for the JSON Schema; what depends on
 * more than the presence of keys stands in the rules of its section.
 */
export interface KeyRules {
  /** Exactly one of them has to be there. */
  readonly one?: readonly string[];
  /** At least one of them has to be there. */
  readonly some?: readonly string[];
  /** At most one of each list may be there. */
  readonly apart?: readonly (readonly string[])[];
  /** A key, and those that would have no effect beside it. */
  readonly alone?: Readonly<Record<string, readonly string[]>>;
  /** A key, and the one it means nothing without. */
  readonly with?: Readonly<Record<string, string>>;
}

/** Keys that change how a request reaches an upstream: a redirect has none. */
const FORWARDING = [
  "strip_prefix",
  "rewrite_path",
  "request_query",
  "cluster",
  "namespace",
  "port_name",
  "scheme",
  "upstream_tls",
  "pass_host",
  "upstream_host",
  "balancer",
  "timeouts",
  "retries",
  "keepalive",
  "health",
  "request_headers",
];

/** Keys that help to find a service: static nodes are found already. */
const FINDING = ["cluster", "namespace", "port_name"];

const CERTIFICATE: KeyRules["with"] = { cert_file: "key_file", key_file: "cert_file" };

/** Of a route. */
export const ROUTE_KEYS = {
  one: ["service", "services", "nodes", "redirect"],
  apart: [["strip_prefix", "rewrite_path"]],
  alone: { redirect: FORWARDING, nodes: FINDING },
} as const satisfies KeyRules;

/** Of a stream. */
export const STREAM_KEYS = {
  one: ["service", "services", "nodes"],
  alone: { nodes: FINDING },
} as const satisfies KeyRules;

/** Of the `upstream_tls` of a route or stream. */
export const UPSTREAM_TLS_KEYS = { with: CERTIFICATE } as const satisfies KeyRules;

/** Of a route's `redirect`: without any of them it leads back to itself. */
export const REDIRECT_KEYS = {
  some: ["scheme", "host", "port", "path", "location"],
  alone: { location: ["scheme", "host", "port", "path"] },
  with: { regex: "location" },
} as const satisfies KeyRules;

/** Of a cluster. */
export const CLUSTER_KEYS = { apart: [["namespaces", "namespace_selector"]] } as const satisfies KeyRules;

/** Of a cluster's `client`. */
export const CLIENT_KEYS = {
  apart: [["token", "token_file"]],
  with: { ...CERTIFICATE, context: "kubeconfig" },
} as const satisfies KeyRules;

/** Of a cluster's `namespace_selector`. */
export const NAMESPACE_SELECTOR_KEYS = {
  apart: [["equal", "not_equal", "match", "not_match"]],
} as const satisfies KeyRules;

/** The rules by the place of their mapping, as `placeOf` of the JSON Schema has it. */
export const KEY_RULES: Readonly<Record<string, KeyRules>> = {
  "discovery.kubernetes": CLUSTER_KEYS,
  "discovery.kubernetes.client": CLIENT_KEYS,
  "discovery.kubernetes.namespace_selector": NAMESPACE_SELECTOR_KEYS,
  // The loader says in its own words why: see the server's rules.
  server: { with: { redirect_http: "tls" } },
  "routes[]": ROUTE_KEYS,
  "routes[].redirect": REDIRECT_KEYS,
  "routes[].upstream_tls": UPSTREAM_TLS_KEYS,
  "streams[]": STREAM_KEYS,
};
