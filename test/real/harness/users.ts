import type { RealCluster } from "./cluster.ts";
import { clusterRole, READ_ENDPOINTS, READ_SLICES, type Rule, serviceAccount } from "./manifests.ts";

/** A token for a service account, by the TokenRequest API: what a pod gets into its token file. */
export async function createToken(cluster: RealCluster, namespace: string, name: string): Promise<string> {
  return (await cluster.kubectl("create", "token", name, "--namespace", namespace)).trim();
}

/** A token of a service account that may do in every namespace what `rules` say, and nothing else. */
export async function tokenWithRights(
  cluster: RealCluster,
  name: string,
  rules: readonly Rule[] = [READ_ENDPOINTS, READ_SLICES],
): Promise<string> {
  const subject = { kind: "ServiceAccount", name, namespace: "default" } as const;
  await cluster.apply(
    serviceAccount("default", name),
    ...(rules.length === 0 ? [] : clusterRole(`podway-${name}`, rules, subject)),
  );
  return await createToken(cluster, "default", name);
}
