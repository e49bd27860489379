import { parseServiceReference } from "../discovery/reference.ts";
import type { WrittenClusters } from "./cluster-rules.ts";
import { quoteName, showName, showPath } from "./issues.ts";
import {
  atMostOne,
  fault,
  type Place,
  placeAt,
  placesIn,
  present,
  type Rules,
  textAt,
  under,
  unique,
  valueFault,
  warn,
} from "./rules.ts";
import { isMapping } from "./values.ts";

const TARGETS = ["service", "services", "nodes", "redirect"] as const;

/** Keys that change how a request reaches an upstream: a redirect has none. */
const FORWARDING = [
  "strip_prefix",
  "rewrite_path",
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
  "health",
  "request_headers",
] as const;

/** Keys that help to find a service: static nodes are found already. */
const FINDING = ["cluster", "namespace", "port_name"] as const;

/** A key that would be ignored here is refused: its writer expects something of it. */
function hasNoEffect(rules: Rules, route: Place, keys: readonly string[], beside: string): void {
  for (const key of present(route, keys)) fault(rules, route, key, `has no effect beside ${beside}: remove it`);
}

function hasOneTarget(rules: Rules, route: Place): void {
  const targets = TARGETS.filter((key) => Object.hasOwn(route.value, key));
  if (targets.length === 0) {
    const path = showPath(route.path);
    const message = `${path} must have one of ${TARGETS.join(", ")}: it says nothing about where requests go`;
    rules.errors.push(rules.source.issue(route.path, message));
  }
  atMostOne(rules, route, TARGETS);
  if (targets.length === 1 && targets[0] === "redirect") hasNoEffect(rules, route, FORWARDING, "redirect");
  if (targets.length === 1 && targets[0] === "nodes") hasNoEffect(rules, route, FINDING, "nodes");
}

/** A part of the path can be replaced only where the matched part is known. */
function prefixIsKnown(rules: Rules, route: Place): void {
  const path = route.value.path;
  if (!isMapping(path) || Object.hasOwn(path, "prefix")) return;
  const kind = ["exact", "starts_with", "regex"].find((key) => Object.hasOwn(path, key));
  if (kind === undefined) return;
  const rewrite = under(rules.source, route, "rewrite_path");
  const redirect = under(rules.source, under(rules.source, route, "redirect"), "path");
  for (const place of [rewrite, redirect]) {
    for (const key of present(place, ["replace_prefix"])) {
      fault(rules, place, key, `needs a prefix path, and this route's path is ${kind}: use replace`);
    }
  }
}

function redirectGoesSomewhere(rules: Rules, route: Place): void {
  const redirect = route.value.redirect;
  if (!isMapping(redirect)) return;
  const parts = ["scheme", "host", "port", "path"];
  if (parts.some((key) => Object.hasOwn(redirect, key))) return;
  fault(rules, route, "redirect", "must change one of scheme, host, port, path: it leads back to itself");
}

/** `pass_host: rewrite` and `upstream_host` go together, also where one of them is a default. */
function hostIsClear(rules: Rules, place: Place, defaults: Place): void {
  const own = present(place, ["pass_host", "upstream_host"]);
  if (own.length === 0) return;
  const policy = place.value.pass_host ?? defaults.value.pass_host;
  const host = place.value.upstream_host ?? defaults.value.upstream_host;
  if (policy === "rewrite" && host === undefined) {
    fault(rules, place, "pass_host", "is rewrite: write upstream_host, the host to put in its place");
  } else if (policy !== "rewrite" && own.includes("upstream_host")) {
    fault(rules, place, "upstream_host", "needs pass_host: rewrite");
  }
}

function tlsIsClear(rules: Rules, place: Place): void {
  const tls = under(rules.source, place, "upstream_tls");
  for (const [key, other] of [
    ["cert_file", "key_file"],
    ["key_file", "cert_file"],
  ] as const) {
    if (Object.hasOwn(tls.value, key) && !Object.hasOwn(tls.value, other)) {
      fault(rules, tls, key, `needs ${other} beside it`);
    }
  }
  if (tls.value.verify === false) {
    warn(rules, tls, "verify", "is false: the upstream's certificate is not checked");
  }
}

/** A header both set and removed has no one outcome. */
function headersAreClear(rules: Rules, place: Place): void {
  for (const key of ["request_headers", "response_headers"]) {
    const changes = under(rules.source, place, key);
    const removed = Array.isArray(changes.value.remove) ? changes.value.remove : [];
    const gone = new Set(removed.filter((name) => typeof name === "string").map((name) => name.toLowerCase()));
    for (const list of ["set", "add"]) {
      const named = under(rules.source, changes, list);
      const names = Object.keys(named.value);
      for (const name of names.filter((name) => gone.has(name.toLowerCase()))) {
        fault(rules, named, name, "is in remove too: keep one of them");
      }
      differsByMoreThanCase(rules, named);
    }
  }
}

/** Header names ignore case, so two that differ by it alone are one. */
function differsByMoreThanCase(rules: Rules, place: Place): void {
  unique(
    rules,
    Object.keys(place.value).map((key) => ({ place, key, value: key.toLowerCase() })),
  );
}

const clusterIds = (clusters: WrittenClusters): string[] =>
  clusters.places.flatMap((place) => textAt(place, "id") ?? []);

const listed = (ids: readonly string[]): string => ids.map(showName).join(", ");

function referenceIsKnown(rules: Rules, holder: Place, route: Place, clusters: WrittenClusters): void {
  const text = textAt(holder, "service");
  if (!text) return;
  // Without discovery nothing says whether there will be several clusters: both forms are well written.
  const parsed = parseServiceReference(text, { multi: clusters.multi || !clusters.on });
  if ("error" in parsed) {
    const reason = parsed.error.startsWith(JSON.stringify(text))
      ? parsed.error.slice(JSON.stringify(text).length + 1)
      : "is not a service reference such as namespace/name:port";
    valueFault(rules, holder, "service", reason);
    return;
  }
  const ids = clusterIds(clusters);
  if (!clusters.multi || ids.length === 0) return;
  if (parsed.cluster !== undefined && !ids.includes(parsed.cluster)) {
    valueFault(rules, holder, "service", `names the cluster ${quoteName(parsed.cluster)}; there are ${listed(ids)}`);
  } else if (parsed.cluster === undefined && !Object.hasOwn(route.value, "cluster")) {
    valueFault(
      rules,
      holder,
      "service",
      `names no cluster: write id/namespace/name, or cluster: one of ${listed(ids)}`,
    );
  }
}

function clusterIsKnown(rules: Rules, route: Place, clusters: WrittenClusters): void {
  const cluster = textAt(route, "cluster");
  if (!cluster || !clusters.on) return;
  const ids = clusterIds(clusters);
  if (!clusters.multi) {
    valueFault(rules, route, "cluster", "names a cluster, and discovery.kubernetes is no list of clusters with ids");
  } else if (ids.length > 0 && !ids.includes(cluster)) {
    valueFault(rules, route, "cluster", `is ${quoteName(cluster)}; there are ${listed(ids)}`);
  }
}

function discoveryIsOn(rules: Rules, routes: readonly Place[], clusters: WrittenClusters): void {
  if (clusters.on) return;
  for (const route of routes) {
    const [key] = present(route, ["service", "services"]);
    if (key === undefined) continue;
    const why = "names a service, and there is no discovery.kubernetes: discovery is off and requests get a 503";
    warn(rules, route, key, why);
  }
}

/** Everything about `routes` and `defaults` that concerns more than one key. */
export function checkRoutes(rules: Rules, clusters: WrittenClusters): void {
  const { source } = rules;
  const routes = placesIn(source, ["routes"]);
  const defaults = placeAt(source, ["defaults"]);
  const nothing: Place = { path: [], value: {} };
  for (const [place, others] of [[defaults, nothing] as const, ...routes.map((route) => [route, defaults] as const)]) {
    hostIsClear(rules, place, others);
    tlsIsClear(rules, place);
    headersAreClear(rules, place);
  }
  for (const route of routes) {
    hasOneTarget(rules, route);
    atMostOne(rules, route, ["strip_prefix", "rewrite_path"]);
    prefixIsKnown(rules, route);
    redirectGoesSomewhere(rules, route);
    differsByMoreThanCase(rules, under(source, route, "headers"));
    clusterIsKnown(rules, route, clusters);
    referenceIsKnown(rules, route, route, clusters);
    for (const service of placesIn(source, [...route.path, "services"])) {
      referenceIsKnown(rules, service, route, clusters);
    }
  }
  const ids = routes.map((place) => {
    const { id } = place.value;
    const own = typeof id === "string" || typeof id === "number";
    return { place, key: "id", value: String(own ? id : place.path.at(-1)) };
  });
  unique(rules, ids);
  discoveryIsOn(rules, routes, clusters);
}
