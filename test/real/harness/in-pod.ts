import { copyFile, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RealCluster } from "./cluster.ts";
import { createToken } from "./users.ts";

/** How a process is started as if it ran in a pod of the cluster: its environment and its service account's files. */
export interface PodSurroundings {
  /** What comes before the command: it puts the files where a kubelet mounts them, for this process alone. */
  readonly prefix: readonly string[];
  readonly env: Record<string, string>;
}

/** Gives the process its own /run, which /var/run leads to, with a copy of the folder `$0` where a kubelet puts it. */
const MOUNT = [
  "mount -t tmpfs tmpfs /run",
  "mkdir -p /run/secrets/kubernetes.io",
  'cp -r "$0" /run/secrets/kubernetes.io/serviceaccount',
  'exec "$@"',
].join(" && ");

/** The surroundings of a pod of this ServiceAccount. */
export async function inPod(cluster: RealCluster, namespace: string, account: string): Promise<PodSurroundings> {
  const folder = await mkdtemp(join(tmpdir(), "service-account-"));
  await writeFile(join(folder, "token"), await createToken(cluster, namespace, account));
  await writeFile(join(folder, "namespace"), namespace);
  await copyFile(cluster.ca, join(folder, "ca.crt"));
  return {
    prefix: ["unshare", "--mount", "sh", "-c", MOUNT, folder],
    env: { KUBERNETES_SERVICE_HOST: cluster.host, KUBERNETES_SERVICE_PORT: String(cluster.port) },
  };
}
