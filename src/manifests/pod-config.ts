import type { ConfigDocument } from "../config/document.ts";
import { type ConfigIssue, loadConfig } from "../config/load.ts";
import { literalSecrets } from "../config/redact.ts";
import type { Config } from "../config/schema.ts";
import { readSource } from "../config/source.ts";
import { FORMAT } from "../gateway/format.ts";
import { SERVICE_ACCOUNT_FOLDER } from "../kubernetes/service-account.ts";
import type { ModuleUse } from "../middleware/modules.ts";
import type { Env } from "../platform/process.ts";
import { adjustForPod } from "./adjust.ts";
import { ADMIN_TOKEN_VARIABLE } from "./types.ts";
import { type ConfigVariable, configVariables, DOWNWARD, type StandIns, standIns } from "./variables.ts";

/** A config as a pod will have it. */
export interface PodConfig {
  readonly ok: true;
  /** What the pod's file holds: variables as they are written. */
  readonly text: string;
  /** That text, checked and filled in as in a pod; `standIns` stand for variables that are not set here. */
  readonly config: Config;
  readonly source: ConfigDocument;
  readonly variables: readonly ConfigVariable[];
  readonly standIns: StandIns;
  /** What was changed of the file so that it can be served from a pod, in sentences. */
  readonly changes: readonly string[];
  /** Secrets that stand in the file. */
  readonly secrets: readonly ConfigIssue[];
  readonly warnings: readonly ConfigIssue[];
  readonly modules: readonly ModuleUse<ConfigIssue>[];
}

/** Why there is none. */
export interface NoPodConfig {
  readonly ok: false;
  readonly errors: readonly ConfigIssue[];
  readonly warnings: readonly ConfigIssue[];
  /** Variables that are not set here and may be what the errors come from. */
  readonly unset: readonly string[];
}

/** What a pod offers that this machine does not. The values are never printed: only whether they are there counts. */
const inPod = (namespace: string) => ({
  env: {
    KUBERNETES_SERVICE_HOST: "192.0.2.1",
    KUBERNETES_SERVICE_PORT: "443",
    ...Object.fromEntries(Object.keys(DOWNWARD).map((name) => [name, name.endsWith("_IP") ? "192.0.2.1" : "pod"])),
    POD_NAMESPACE: namespace,
    [ADMIN_TOKEN_VARIABLE]: "token",
  },
  pod: {
    namespace,
    tokenFile: `${SERVICE_ACCOUNT_FOLDER}/token`,
    caFile: `${SERVICE_ACCOUNT_FOLDER}/ca.crt`,
  },
});

/**
 * Reads a config as it will be read in a pod of that namespace, and changes in it what would not work there. A variable
 * that is not set here is no fault, unless it decides what is printed.
 */
export function readForPod(input: {
  file: string;
  text: string;
  env: Env;
  namespace: string;
}): PodConfig | NoPodConfig {
  const { file, namespace } = input;
  const { env: podEnv, pod } = inPod(namespace);
  const standing = standIns(configVariables(input.text), { ...input.env, ...podEnv });
  const env = { ...input.env, ...podEnv, ...standing.env };
  const load = (text: string) => loadConfig({ format: FORMAT, file, text, env, pod });

  const written = load(input.text);
  if (!written.ok) return { ...written, unset: Object.keys(standing.env) };
  const source = readSource({ file, text: input.text, env });
  const { text, changes } = adjustForPod(input.text, written.config, source);
  const adjusted = load(text);
  if (!adjusted.ok) return { ...adjusted, unset: [] };
  return {
    ok: true,
    text,
    config: adjusted.config,
    source,
    variables: configVariables(text),
    standIns: standing,
    changes,
    secrets: literalSecrets(FORMAT, source),
    warnings: written.warnings,
    modules: written.modules,
  };
}
