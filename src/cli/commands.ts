import { VERSION } from "../base/version.ts";
import { CHECK } from "./check.ts";
import { type CommandHelp, columns } from "./command-help.ts";
import { EXPLAIN } from "./explain.ts";
import { GATEWAY } from "./gateway.ts";
import { HEALTH } from "./health.ts";
import { IMPORT } from "./import.ts";
import { INIT } from "./init.ts";
import { MANIFESTS } from "./manifests.ts";
import { NODES } from "./nodes.ts";
import { SCHEMA } from "./schema.ts";

/** All commands, the one that serves first. */
export const COMMANDS: readonly CommandHelp[] = [
  ...[GATEWAY, INIT, CHECK, NODES, EXPLAIN, IMPORT, MANIFESTS, HEALTH, SCHEMA],
];

/** What `podway --help` prints. */
export const HELP = `podway ${VERSION}: an API gateway that finds its upstreams in Kubernetes

  podway                serve ./gateway.yaml, or without one the demo, which needs nothing
  podway --config FILE  serve this config
  podway COMMAND        one of these:

${columns(COMMANDS.map(({ name, summary }) => [name, summary] as const))}

  podway COMMAND --help has the options of each. Of every command:

  --json         what is printed is JSON
  -h, --help     this page
  --version      the version

Exit codes: 0 fine, 1 it ran and the answer is no, 2 bad input.`;
