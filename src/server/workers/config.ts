import { formatIssue, loadConfig } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import { FORMAT } from "../../gateway/format.ts";
import type { WorkerEnv } from "../../platform/workers/api.ts";

/** A bundled config that can be served with, or every line that says why not. */
export type WorkerConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly string[] };

/** Reads the bundled config: `${NAME}` is a variable or secret of the Worker, and every cluster is polled. */
export function readWorkerConfig(text: string, env: WorkerEnv): WorkerConfig {
  const variables = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
  const loaded = loadConfig({
    format: FORMAT,
    file: "gateway.yaml",
    text,
    env: variables,
    pod: {},
    limitations: ["workers", "threads"],
  });
  if (!loaded.ok) return { ok: false, errors: loaded.errors.map(formatIssue) };
  const { config } = loaded;
  const { discovery } = config;
  const polled = discovery && {
    ...discovery,
    clusters: discovery.clusters.map((cluster) => ({ ...cluster, mode: "poll" as const })),
  };
  return { ok: true, config: { ...config, discovery: polled }, warnings: loaded.warnings.map(formatIssue) };
}
