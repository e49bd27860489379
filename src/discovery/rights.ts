import { type RbacVerb, type Right, rightTo } from "../kubernetes/rbac.ts";
import type { Collection } from "../kubernetes/types.ts";
import { type PlanConfig, planCluster } from "./feeds/plan.ts";
import type { ClusterOptions, DiscoveryMode } from "./options.ts";

/** What is done with a collection. Mode `request` gets single objects, unless it has to look for them by a label. */
function verbsFor(mode: DiscoveryMode, { resource, labelSelector }: Collection): readonly RbacVerb[] {
  if (mode === "poll") return ["list"];
  if (mode !== "request") return ["list", "watch"];
  return resource === "endpointslices" || labelSelector !== undefined ? ["list"] : ["get"];
}

/**
 * The least rights that following a cluster takes, none twice: a Role in each namespace the config names, a
 * ClusterRole where it names none.
 * https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
 */
export function neededRights(config: PlanConfig & Pick<ClusterOptions, "mode">): Right[] {
  return planCluster(config).scopes.flatMap(({ endpoints, services = [] }) =>
    // The other entries are older versions of the same resource, which RBAC does not tell apart.
    [endpoints[0], services[0]]
      .filter((collection) => collection !== undefined)
      .map((collection) => rightTo(verbsFor(config.mode, collection), collection)),
  );
}
