import { parseServiceReference } from "../../discovery/resolve/reference.ts";
import { quoteName, showName } from "../issues.ts";
import type { RawClusters } from "./clusters.ts";
import { itemsUnder, type Place, present, type Rules, textUnder, valueFault, warn } from "./rules.ts";

/** Rules about where something goes, and how it is spoken to there: the same for routes and streams. */

const clusterIds = (clusters: RawClusters): string[] =>
  clusters.places.flatMap((place) => textUnder(place, "id") ?? []);

const listed = (ids: readonly string[]): string => ids.map(showName).join(", ");

function referenceIsKnown(rules: Rules, holder: Place, route: Place, clusters: RawClusters): void {
  const text = textUnder(holder, "service");
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

function clusterIsKnown(rules: Rules, route: Place, clusters: RawClusters): void {
  const cluster = textUnder(route, "cluster");
  if (!cluster || !clusters.on) return;
  const ids = clusterIds(clusters);
  if (!clusters.multi) {
    valueFault(rules, route, "cluster", "names a cluster, and discovery.kubernetes is no list of clusters with ids");
  } else if (ids.length > 0 && !ids.includes(cluster)) {
    valueFault(rules, route, "cluster", `is ${quoteName(cluster)}; there are ${listed(ids)}`);
  }
}

/** Every service and cluster that is named is well written, and its cluster is there. */
export function servicesAreKnown(rules: Rules, place: Place, clusters: RawClusters): void {
  clusterIsKnown(rules, place, clusters);
  referenceIsKnown(rules, place, place, clusters);
  for (const service of itemsUnder(place, "services")) {
    referenceIsKnown(rules, service, place, clusters);
  }
}

/** Warns of services that cannot be found. `outcome` says what becomes of what asks for them. */
export function discoveryIsOn(rules: Rules, places: readonly Place[], clusters: RawClusters, outcome: string): void {
  if (clusters.on) return;
  for (const place of places) {
    const [key] = present(place, ["service", "services"]);
    if (key === undefined) continue;
    const why = `names a service, and there is no discovery.kubernetes: discovery is off and ${outcome}`;
    warn(rules, place, key, why);
  }
}
