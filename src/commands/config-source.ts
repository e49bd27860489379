import type { Files } from "../runtime/runtime.ts";

/** Where the config of a served gateway comes from. */
export type ConfigSource =
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "demo" }
  /** Nothing to serve: the text says what to write. */
  | { readonly kind: "none"; readonly help: string };

/** The file that is read where none is named. */
export const DEFAULT_CONFIG = "./gateway.yaml";

/** The smallest config for a gateway that runs in a pod, or beside a kubeconfig. */
const smallest = (kubernetes: string): string => `server: { listen: 0.0.0.0:8080 }
discovery:
  kubernetes: ${kubernetes}
routes:
  - path: /
    service: my-namespace/my-service:http`;

/**
 * Finds the config: the file that was named, ./gateway.yaml, or the demo where there is neither a file nor a cluster to
 * be found (`KUBERNETES_SERVICE_HOST`, a kubeconfig). With a cluster and no file nobody can guess the routes.
 */
export async function findConfig(
  asked: { file: string | undefined; demo: boolean },
  world: { files: Files; env: Readonly<Record<string, string | undefined>> },
): Promise<ConfigSource> {
  if (asked.demo) return { kind: "demo" };
  if (asked.file !== undefined) return { kind: "file", file: asked.file };
  const { files, env } = world;
  if (await files.exists(DEFAULT_CONFIG)) return { kind: "file", file: DEFAULT_CONFIG };
  if (env.KUBERNETES_SERVICE_HOST) {
    return { kind: "none", help: helpText("this pod's cluster", smallest("{ watch_endpoint_slices: true }")) };
  }
  const kubeconfig = await findKubeconfig(files, env);
  if (kubeconfig === undefined) return { kind: "demo" };
  const block = `{ watch_endpoint_slices: true, client: { kubeconfig: ${JSON.stringify(kubeconfig)} } }`;
  return { kind: "none", help: helpText(`the cluster of ${kubeconfig}`, smallest(block)) };
}

/** $KUBECONFIG (its first file that exists), else ~/.kube/config. */
async function findKubeconfig(
  files: Files,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const listed = env.KUBECONFIG ? env.KUBECONFIG.split(":") : env.HOME ? [`${env.HOME}/.kube/config`] : [];
  for (const path of listed) {
    if (path !== "" && (await files.exists(path))) return path;
  }
  return undefined;
}

function helpText(where: string, config: string): string {
  return `There is no ${DEFAULT_CONFIG}, and which services of ${where} to serve is for you to say.
The smallest config that works:

${config}

Write it to ${DEFAULT_CONFIG} (or name another file with --config), or try the demo with --demo.`;
}
