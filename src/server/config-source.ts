import type { Files } from "../platform/files.ts";
import { programOf } from "./io.ts";

/** Where the config of a served gateway comes from. */
export type ConfigSource =
  | { readonly kind: "file"; readonly file: string }
  /** `note`: what to say before it starts, where it was not asked for. */
  | { readonly kind: "demo"; readonly note?: string | undefined }
  /** Nothing to serve: the text says what to write. */
  | { readonly kind: "none"; readonly help: string };

/** What looking for a config needs. */
export interface ConfigWorld {
  readonly files: Pick<Files, "exists">;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The file that is read where none is named. */
export const DEFAULT_CONFIG = "./gateway.yaml";

/** What to do where no file was named and `DEFAULT_CONFIG` is not there. */
export const nameOrInit = (env: ConfigWorld["env"]): string =>
  `name another file, or let \`${programOf(env)} init\` write one`;

/** The smallest config for a gateway that runs in a pod. */
const SMALLEST = `server: { listen: 0.0.0.0:8080 }
discovery:
  kubernetes: { watch_endpoint_slices: true }
routes:
  - path: /
    service: my-namespace/my-service:http`;

const IN_POD = `There is no ${DEFAULT_CONFIG}, and which services of this pod's cluster to serve is for you to say.
The smallest config that works:

${SMALLEST}

Write it to ${DEFAULT_CONFIG} (or name another file with --config), or try the demo with --demo.`;

/**
 * Finds the config: the file that was named, ./gateway.yaml, or else the demo. Not so in a pod, which has a cluster
 * (`KUBERNETES_SERVICE_HOST`): there a demo would look like a gateway.
 */
export async function findConfig(
  asked: { file: string | undefined; demo: boolean },
  { files, env }: ConfigWorld,
): Promise<ConfigSource> {
  if (asked.demo) return { kind: "demo" };
  if (asked.file !== undefined) return { kind: "file", file: asked.file };
  if (await files.exists(DEFAULT_CONFIG)) return { kind: "file", file: DEFAULT_CONFIG };
  if (env.KUBERNETES_SERVICE_HOST) return { kind: "none", help: IN_POD };
  const kubeconfig = await findKubeconfig({ files, env });
  if (kubeconfig === undefined) return { kind: "demo" };
  const note = `There is no ${DEFAULT_CONFIG}: this is the demo. \`${programOf(env)} init\` writes one for the cluster of ${kubeconfig}`;
  return { kind: "demo", note };
}

/** $KUBECONFIG (its first file that exists), else ~/.kube/config; undefined where there is none. */
export async function findKubeconfig({ files, env }: ConfigWorld): Promise<string | undefined> {
  const listed = env.KUBECONFIG ? env.KUBECONFIG.split(":") : env.HOME ? [`${env.HOME}/.kube/config`] : [];
  for (const path of listed) {
    if (path !== "" && (await files.exists(path))) return path;
  }
  return undefined;
}
