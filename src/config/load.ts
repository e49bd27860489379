import { isMapping } from "../base/schema/shapes.ts";
import type { ModuleUse } from "../middleware/modules.ts";
import type { Env } from "../platform/process.ts";
import { applyDefaults, type PodOffer } from "./defaults.ts";
import type { ConfigDocument } from "./document.ts";
import type { ConfigIssue } from "./issues.ts";
import { checkClusters, rawClusters } from "./rules/clusters.ts";
import { checkKeys, type Limitation } from "./rules/keys.ts";
import { checkGroups, checkMiddleware, moduleUses } from "./rules/middleware.ts";
import { reachWarnings, regexWarnings } from "./rules/route-warnings.ts";
import { checkRoutes } from "./rules/routes.ts";
import { type Rules, rootOf } from "./rules/rules.ts";
import { checkServer } from "./rules/server.ts";
import { checkStreams } from "./rules/streams.ts";
import type { Config, FileFormat } from "./schema.ts";
import { readSource } from "./source.ts";
import { validate } from "./validate.ts";

export type { PodOffer } from "./defaults.ts";
export { type ConfigIssue, formatIssue } from "./issues.ts";

/** What a config is held against, and what its defaults depend on. */
export interface CheckInput {
  readonly format: FileFormat;
  /** For `${NAME}`, and for where a pod finds its apiserver. */
  readonly env: Env;
  /** What the pod's service account offers; empty outside a pod. */
  readonly pod: PodOffer;
  /** What the runtime cannot do that others can: keys that need it are errors. */
  readonly limitations?: readonly Limitation[] | undefined;
}

/** What a config file is made of. No file is read here. */
export interface LoadInput extends CheckInput {
  /** The file's name, for messages. */
  readonly file: string;
  /** What the file holds: YAML, so JSON too. */
  readonly text: string;
}

/** A config, or all that keeps the file from being one; in the order of the file. */
export type LoadResult =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly warnings: readonly ConfigIssue[];
      /** Modules the config names; none is loaded yet. */
      readonly modules: readonly ModuleUse<ConfigIssue>[];
      /** Whether there is a list of routes or streams: an empty one is meant, a missing one may have been cut off. */
      readonly listsRoutes: boolean;
    }
  | { readonly ok: false; readonly errors: readonly ConfigIssue[]; readonly warnings: readonly ConfigIssue[] };

/** What an empty file is refused with: an empty mapping is a config that was meant, an empty file seldom is. */
const EMPTY_FILE = "the file is empty: a config has at least a list of routes (routes: [] is one without any)";

/** In the order of the file, each thing said once. */
function tidy(issues: readonly ConfigIssue[]): ConfigIssue[] {
  const said = new Map(issues.map((issue) => [`${issue.line}:${issue.column}:${issue.message}`, issue]));
  return [...said.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

const listsRoutes = (root: unknown): boolean => isMapping(root) && ("routes" in root || "streams" in root);

/**
 * Reads a config file's text: environment variables put in, every key checked, every default filled in. All errors come
 * at once, each with its place, and none of them (nor a warning) holds a secret. Never throws.
 */
export const loadConfig = ({ file, text, ...input }: LoadInput): LoadResult =>
  checkConfig(readSource({ file, text, env: input.env }), input);

/** The same of a config that was read before, or comes from another program. */
export function checkConfig(document: ConfigDocument, { format, env, pod, limitations = [] }: CheckInput): LoadResult {
  const rules: Rules = { document, root: rootOf(document), errors: [...document.issues], warnings: [] };
  if (document.root === undefined && document.issues.length === 0) rules.errors.push(document.issue([], EMPTY_FILE));
  // First, because it settles what values that are environment variables mean.
  const validated = validate(format, document);
  if (validated.ok) checkGroups(rules, format.kinds, validated.file);
  else rules.errors.push(...validated.issues);
  checkKeys(rules, format.file, limitations);
  const clusters = rawClusters(rules);
  checkServer(rules);
  checkClusters(rules, clusters, env);
  checkRoutes(rules, clusters);
  checkStreams(rules, clusters);
  checkMiddleware(rules, format.kinds);
  // A text whose variable is not set is reported for that alone, not for what was left of it.
  const errors = rules.errors.filter((issue) => !document.unset.has(issue.path) || document.issues.includes(issue));
  const warnings = tidy(rules.warnings.filter(({ path }) => !document.unset.has(path)));
  if (!validated.ok || rules.errors.length > 0) return { ok: false, errors: tidy(errors), warnings };
  const config = applyDefaults(validated.file, { env, pod });
  warnings.push(...reachWarnings(document, format.kinds, config.routes), ...regexWarnings(document, config.routes));
  return {
    ok: true,
    config,
    warnings: tidy(warnings),
    modules: moduleUses(document),
    listsRoutes: listsRoutes(document.root),
  };
}
