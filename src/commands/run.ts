import packageJson from "../../package.json" with { type: "json" };
import { systemClock } from "../clock.ts";
import { checkWithoutThreads } from "../config/threads-rules.ts";
import { createProgress } from "../progress.ts";
import type { Host } from "../runtime/host.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { check } from "./check.ts";
import { checkLive } from "./check-live.ts";
import { explain } from "./explain.ts";
import { gateway } from "./gateway.ts";
import { health } from "./health.ts";
import { importConfig } from "./import.ts";
import { EXIT, readPodFacts } from "./io.ts";
import { manifests } from "./manifests.ts";
import { nodes } from "./nodes.ts";
import { schema } from "./schema.ts";

const HELP = `podway ${packageJson.version}: an API gateway that finds its upstreams in Kubernetes

  podway [--config FILE]     serve; FILE is ./gateway.yaml unless said otherwise
  podway --demo              serve a demo cluster that needs nothing (also without a config, a cluster and a kubeconfig)
  podway check [FILE]        say what is wrong with a config, with file, line and column; with --live also ask its clusters:
                             whether they are reached, trusted and allow what is needed, and which services are there
  podway nodes REF           the nodes of namespace/name:port, as a running gateway sees them,
                             or with --config FILE as this command finds them itself
  podway import apisix FILE...
  podway import ocelot FILE...  print a gateway.yaml made of APISIX's or Ocelot's configuration, and say what of it
                             could not be carried over
  podway manifests [FILE]    what runs this config in Kubernetes: ServiceAccount, the least roles, ConfigMap, Deployment,
                             Service, PodDisruptionBudget, --hpa; see docs/deployment.md
  podway health              whether the gateway of this machine is alive (with --ready: ready)
  podway explain METHOD URL  what becomes of a request and why: the route, the nodes, and who is left out (-H 'name: value')
  podway schema              the JSON Schema of the config file, for editors

  --json                     machine-readable output, with every command
  --help, --version

Exit codes: 0 fine, 1 it ran and the answer is no, 2 bad input.`;

/** The commands a command line can name first; without one the gateway is served. */
export const COMMANDS = ["check", "nodes", "explain", "import", "manifests", "health", "schema"] as const;

/** What a command runs in. */
export interface CommandWorld {
  readonly runtime: Runtime;
  readonly host: Host;
}

/** Runs a command line (without the program's own name) and returns the exit code. */
export async function run(argv: readonly string[], world: CommandWorld): Promise<number> {
  const { host, runtime } = world;
  const [first, ...rest] = argv;
  const named = COMMANDS.find((name) => name === first);
  if (named === undefined && first !== undefined && !first.startsWith("-")) {
    host.stderr(`There is no command ${first}; there are: ${COMMANDS.join(", ")}, and none at all to serve`);
    return EXIT.badInput;
  }
  const options = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : undefined);
  if (options.includes("--help") || options.includes("-h")) {
    host.stdout(HELP);
    return EXIT.fine;
  }
  if (named === undefined && first === "--version") {
    host.stdout(packageJson.version);
    return EXIT.fine;
  }
  if (named === "schema") return schema(rest, host);
  const files = runtime.files;
  if (files === undefined) {
    host.stderr("Commands need a runtime with files");
    return EXIT.badInput;
  }
  const pod = await readPodFacts(files);
  switch (named) {
    case "check":
      return await check(rest, {
        readText: files.readText,
        exists: files.exists,
        importModule: files.importModule,
        env: runtime.env,
        pod,
        check: host.threads === undefined ? checkWithoutThreads : undefined,
        stdout: host.stdout,
        stderr: host.stderr,
        live: (config, timeout) => checkLive(config, { ...world, files, pod }, timeout),
      });
    case "import":
      return await importConfig(rest, {
        readText: files.readText,
        exists: files.exists,
        stdout: host.stdout,
        stderr: host.stderr,
        // What is translated leaves no time to look whether it takes long.
        progress: createProgress({ ...host, write: host.draw, now: systemClock.now, after: 0 }),
      });
    case "nodes":
      return await nodes(rest, { ...world, files, pod });
    case "manifests":
      return await manifests(rest, { files, env: runtime.env, stdout: host.stdout, stderr: host.stderr });
    case "health":
      return await health(rest, { files, env: runtime.env, pod, stdout: host.stdout, stderr: host.stderr });
    case "explain":
      return await explain(rest, { ...world, files, pod });
    case undefined:
      return await gateway(argv, { ...world, files, pod });
  }
}
