import type { DiscoveryConfig } from "../config/schema.ts";
import type { ClusterOptions } from "../discovery/options.ts";
import { neededRights } from "../discovery/rights.ts";
import type { Right } from "../kubernetes/rbac.ts";
import { SERVICE_ACCOUNT_FOLDER } from "../kubernetes/service-account.ts";

/** What a cluster's client shows the apiserver, and what that has to be allowed. */
export interface ClusterAccess {
  readonly id: string;
  /** The key of `client` that says who the gateway is there; undefined: the pod's own service account. */
  readonly ownedBy: string | undefined;
  readonly rights: readonly Right[];
}

/** The key by which a cluster's client is another user than its pod's service account. */
function identity({ client }: ClusterOptions): string | undefined {
  for (const key of ["kubeconfig", "token", "cert_file"] as const)
    if (client[key] !== undefined) return `client.${key}`;
  const { token_file: file } = client;
  if (file === undefined) return "no credentials";
  return file.startsWith(`${SERVICE_ACCOUNT_FOLDER}/`) ? undefined : "client.token_file";
}

/** Who the gateway is in each cluster, and the least that it must be allowed there. */
export const accessOf = (discovery: DiscoveryConfig | undefined): ClusterAccess[] =>
  (discovery?.clusters ?? []).map((cluster) => ({
    id: cluster.id,
    ownedBy: identity(cluster),
    rights: neededRights(cluster),
  }));

/** The rights of several clusters' clients that are one and the same account: none twice. */
export function unionOf(accesses: readonly ClusterAccess[]): Right[] {
  const rights = new Map(accesses.flatMap((one) => one.rights.map((right) => [JSON.stringify(right), right])));
  return [...rights.values()];
}
