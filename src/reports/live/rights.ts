import type { ClusterOptions } from "../../discovery/options.ts";
import { neededRights } from "../../discovery/rights.ts";
import { askWhoAmI, reviewRights, subjectOf, userOfRefusal, type VerbReview } from "../../kubernetes/access-review.ts";
import { type Right, roleObjects } from "../../kubernetes/rbac.ts";
import type { SingleCall } from "../../kubernetes/single-call.ts";
import { tokenClaims } from "../../kubernetes/token-claims.ts";
import type { KubernetesObject } from "../../kubernetes/types.ts";
import type { ClusterReport } from "./report.ts";

/** How an apiserver is asked, and by whom. */
interface Asking {
  readonly ask: SingleCall;
  readonly signal: AbortSignal;
  readonly authorization: string | undefined;
}

/** What of a cluster's report is about rights. */
type RightsReport = Pick<ClusterReport, "user" | "rights" | "rules" | "faults" | "warnings">;

/** What sending requests to pods through the apiserver takes, wherever services are looked for. */
const proxyRights = (following: readonly Right[]): Right[] =>
  [...new Set(following.map(({ namespace }) => namespace))].map((namespace) => ({
    namespace,
    rule: { apiGroups: [""], resources: ["pods/proxy"], verbs: ["get", "create", "update", "patch", "delete"] },
  }));

/** Who the gateway is to an apiserver, what of its config's needs is allowed there, and what would allow the rest. */
export async function checkRights(config: ClusterOptions, asking: Asking, proxied = false): Promise<RightsReport> {
  const { ask, signal } = asking;
  const following = neededRights(config);
  const needed = proxied ? [...following, ...proxyRights(following)] : following;
  const rights = await reviewRights(ask, needed, signal);
  const user = (await askWhoAmI(ask, signal)) ?? (await otherwiseKnown(following, asking)) ?? null;
  const refused = rights.filter(({ allowed }) => allowed === false);
  const untold = rights.find(({ allowed }) => allowed === null);
  const faults = describeRefused(refused).map((text) => `may not ${text}`);
  const warnings: string[] = [];
  if (untold !== undefined) {
    warnings.push(`it does not tell which rights the gateway has: ${untold.reason ?? "no reason given"}`);
  }
  if (refused.length === 0) return { user, rights, rules: [], faults, warnings };
  if (user === ANONYMOUS) {
    faults.push("it takes the gateway for system:anonymous: give it credentials, rather than anonymous rights");
    return { user, rights, rules: [], faults, warnings };
  }
  if (user === null) {
    warnings.push("nobody tells who the gateway is there: the rules below need its name in place of USER");
  }
  return { user, rights, rules: rulesFor(config.id, user ?? "USER", needed, refused), faults, warnings };
}

const ANONYMOUS = "system:anonymous";

/** `list, watch endpointslices in namespace shop`: one text for each resource and place. */
function describeRefused(refused: readonly VerbReview[]): string[] {
  const places = Map.groupBy(refused, ({ group, resource, namespace }) => {
    const where = namespace === null ? "all namespaces" : `namespace ${namespace}`;
    return `${resource}${group === "" ? "" : `.${group}`} in ${where}`;
  });
  return [...places].map(([place, verbs]) => `${verbs.map(({ verb }) => verb).join(", ")} ${place}`);
}

/** Where the apiserver does not tell who we are: what the token says, else whom a refusal names. */
async function otherwiseKnown(
  rights: readonly Right[],
  { ask, signal, authorization }: Asking,
): Promise<string | undefined> {
  const subject = tokenClaims(authorization)?.subject;
  if (subject?.startsWith("system:serviceaccount:")) return subject;
  for (const { namespace, rule } of rights) {
    const [group = ""] = rule.apiGroups;
    const root = group === "" ? "/api/v1" : `/apis/${group}/v1`;
    const scope = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
    const { status, body } = await ask(`${root}${scope}/${rule.resources[0]}?limit=1`, signal);
    if (status === 403) return userOfRefusal(body);
  }
  return undefined;
}

/**
 * All rights of each place where one is missing: one who applied an earlier answer under the same name loses nothing.
 * The name has the cluster's id and the user's in it, so that no other gateway's role is replaced.
 */
function rulesFor(
  id: string,
  user: string,
  rights: readonly Right[],
  refused: readonly VerbReview[],
): KubernetesObject[] {
  const subject = subjectOf(user);
  const places = new Set(refused.map(({ namespace }) => namespace ?? undefined));
  const parts = ["podway", id, subject.kind === "ServiceAccount" ? subject.namespace : "", subject.name];
  const name = parts
    .filter((part) => part !== "")
    .join("-")
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-");
  const missing = rights.filter(({ namespace }) => places.has(namespace));
  return roleObjects(missing, { name, subject });
}
