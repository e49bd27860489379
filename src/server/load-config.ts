import { systemClock } from "../base/clock.ts";
import { contextKey } from "../config/defaults.ts";
import type { Path } from "../config/issues.ts";
import { type LoadInput, type LoadResult, loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { type KubeconfigOptions, openKubeconfig } from "../kubernetes/kubeconfig.ts";
import type { ServeWorld } from "./serve.ts";

/** A kubeconfig that cannot be used as it is on this machine. */
export interface KubeconfigProblem {
  /** The key that names it. */
  readonly path: Path;
  readonly why: string;
}

/** A config with what its kubeconfigs say. */
export type LoadedWithContexts = LoadResult & { readonly kubeconfigs: readonly KubeconfigProblem[] };

async function readContexts(config: Config, options: Omit<KubeconfigOptions, "context">) {
  const namespaces: Record<string, string> = {};
  const problems: KubeconfigProblem[] = [];
  const { clusters = [], multi } = config.discovery ?? {};
  for (const [index, { client }] of clusters.entries()) {
    if (client.kubeconfig === undefined) continue;
    try {
      const { namespace } = await openKubeconfig(client.kubeconfig, { ...options, context: client.context });
      if (namespace !== undefined) namespaces[contextKey(client)] = namespace;
    } catch (error) {
      const path: Path = ["discovery", "kubernetes", ...(multi ? [index] : []), "client", "kubeconfig"];
      problems.push({ path, why: (error as Error).message });
    }
  }
  return { namespaces, problems };
}

/**
 * `loadConfig`, with the namespace of a kubeconfig's context as the default namespace of its cluster, as it is for
 * kubectl. A kubeconfig that cannot be read is no error of the config: its cluster tells when it connects, and tries
 * again.
 */
export async function loadWithContexts(
  input: LoadInput,
  options: Omit<KubeconfigOptions, "context">,
): Promise<LoadedWithContexts> {
  const loaded = loadConfig(input);
  if (!loaded.ok) return { ...loaded, kubeconfigs: [] };
  const { namespaces: contextNamespaces, problems } = await readContexts(loaded.config, options);
  if (Object.keys(contextNamespaces).length === 0) return { ...loaded, kubeconfigs: problems };
  return { ...loadConfig({ ...input, pod: { ...input.pod, contextNamespaces } }), kubeconfigs: problems };
}

/** What reading kubeconfigs needs of a program's world. */
export const kubeconfigOptions = ({ host, files, runtime }: Pick<ServeWorld, "host" | "files" | "runtime">) => ({
  files,
  run: runtime.run,
  env: host.env,
  clock: systemClock,
});
