import { isMapping } from "../../base/schema/shapes.ts";
import { groupNames, partNames } from "../../routing/path-template.ts";
import { isTemplate, TEMPLATE_PARTS } from "../../routing/template.ts";
import type { RawClusters } from "./clusters.ts";
import { fault, itemsUnder, type Place, present, type Rules, under, unique, valueFault } from "./rules.ts";
import { discoveryIsOn, servicesAreKnown } from "./targets.ts";

/** A part of the path can be replaced only where the matched part is known. */
function prefixIsKnown(rules: Rules, route: Place): void {
  const path = route.value.path;
  if (!isMapping(path) || Object.hasOwn(path, "prefix")) return;
  const kind = ["exact", "starts_with", "template", "regex"].find((key) => Object.hasOwn(path, key));
  if (kind === undefined) return;
  const rewrite = under(route, "rewrite_path");
  const redirect = under(under(route, "redirect"), "path");
  for (const place of [rewrite, redirect]) {
    for (const key of present(place, ["replace_prefix"])) {
      fault(rules, place, key, `needs a prefix path, and this route's path is ${kind}: use replace`);
    }
  }
}

/**
 * Whatever stands in braces is a part of the route's own path (its template, or the named groups of its regex), or one
 * that every request has.
 */
function partsAreKnown(rules: Rules, route: Place): void {
  const { template, regex } = under(route, "path").value;
  const groups = typeof regex === "string" ? groupNames(regex) : [];
  const names = typeof template === "string" ? partNames(template) : groups;
  const own = names.map((name) => `{${name}}`);
  const there = [...own, TEMPLATE_PARTS].join(", ");
  const rewrite = under(route, "rewrite_path");
  const query = under(under(route, "request_query"), "set");
  const texts = [
    ...(Object.hasOwn(rewrite.value, "template") ? [{ place: rewrite, key: "template" }] : []),
    ...Object.keys(query.value).map((key) => ({ place: query, key })),
  ];
  for (const { place, key } of texts) {
    const written = [place.value[key]].flat().filter((text) => typeof text === "string");
    if (written.every((text) => isTemplate(text, names))) continue;
    valueFault(rules, place, key, `has something in braces that is no part of the request: there are ${there}`);
  }
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

/** A header both set and removed has no one outcome. */
function headersAreClear(rules: Rules, place: Place): void {
  for (const key of ["request_headers", "response_headers"]) {
    const changes = under(place, key);
    const removed = Array.isArray(changes.value.remove) ? changes.value.remove : [];
    const gone = new Set(removed.filter((name) => typeof name === "string").map((name) => name.toLowerCase()));
    for (const list of ["set", "add"]) {
      const named = under(changes, list);
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

/** Everything about `routes` and `defaults` that concerns more than one key. */
export function checkRoutes(rules: Rules, clusters: RawClusters): void {
  const routes = itemsUnder(rules.root, "routes");
  const defaults = under(rules.root, "defaults");
  const nothing: Place = { path: [], value: {} };
  for (const [place, others] of [[defaults, nothing] as const, ...routes.map((route) => [route, defaults] as const)]) {
    hostIsClear(rules, place, others);
    headersAreClear(rules, place);
  }
  for (const route of routes) {
    prefixIsKnown(rules, route);
    partsAreKnown(rules, route);
    differsByMoreThanCase(rules, under(route, "headers"));
    servicesAreKnown(rules, route, clusters);
  }
  const ids = routes.map((place) => {
    const { id } = place.value;
    const own = typeof id === "string" || typeof id === "number";
    return { place, key: "id", value: String(own ? id : place.path.at(-1)) };
  });
  unique(rules, ids);
  discoveryIsOn(rules, routes, clusters, "requests get a 503");
}
