import { systemClock } from "../base/clock.ts";
import { VERSION } from "../base/version.ts";
import type { Host } from "../platform/host.ts";
import type { Runtime } from "../platform/runtime.ts";
import { EXIT, readPodFacts } from "../server/io.ts";
import { kubeconfigOptions, loadWithContexts } from "../server/load-config.ts";
import { outgoingFetch } from "../server/outgoing.ts";
import { createProgress } from "../server/progress.ts";
import { check } from "./check.ts";
import { checkLive } from "./check-live.ts";
import { type CommandHelp, helpPage } from "./command-help.ts";
import { COMMANDS, HELP } from "./commands.ts";
import { explain } from "./explain.ts";
import { gateway } from "./gateway.ts";
import { health } from "./health.ts";
import { importConfig } from "./import.ts";
import { init } from "./init.ts";
import { manifests } from "./manifests.ts";
import { nodes } from "./nodes.ts";
import { schema } from "./schema.ts";

/** What a command runs in. */
export interface CommandWorld {
  readonly runtime: Runtime;
  readonly host: Host;
}

interface Called {
  /** Undefined: help is asked for. */
  readonly command: CommandHelp | undefined;
  /** What follows the command's name. */
  readonly rest: readonly string[];
  /** The error message where no command is meant. */
  readonly wrong?: string;
}

/** Which command a line means; without a name the one that serves. */
function commandOf(argv: readonly string[]): Called {
  const [first, second] = argv;
  const byName = (name: string | undefined): CommandHelp | undefined => COMMANDS.find((one) => one.name === name);
  if (first === undefined || first.startsWith("-")) return { command: byName("gateway"), rest: argv };
  const command = first === "help" ? byName(second) : byName(first);
  const rest = argv.slice(1);
  if (command !== undefined) return { command, rest: first === "help" ? ["--help"] : rest };
  if (first === "help" && second === undefined) return { command: undefined, rest };
  const names = COMMANDS.map(({ name }) => name).join(", ");
  const meant = /[./]|^config$/.test(first) ? `; a config is named with --config ${first}` : "";
  const wrong = `There is no command ${first === "help" ? second : first}${meant}. There are: ${names}; see podway --help`;
  return { command: undefined, rest, wrong };
}

/** Runs a command line (without the program's own name) and returns the exit code. */
export async function run(argv: readonly string[], world: CommandWorld): Promise<number> {
  const { host, runtime } = world;
  const { command, rest, wrong } = commandOf(argv);
  if (wrong !== undefined) {
    host.stderr(wrong);
    return EXIT.badInput;
  }
  const options = rest.slice(0, rest.includes("--") ? rest.indexOf("--") : undefined);
  if (command === undefined || options.includes("--help") || options.includes("-h")) {
    host.stdout(command === undefined || argv === rest ? HELP : helpPage(command));
    return EXIT.fine;
  }
  const named = command.name;
  if (rest[0] === "--version") {
    host.stdout(VERSION);
    return EXIT.fine;
  }
  if (named === "schema") return schema(rest, host);
  const { files } = runtime;
  const pod = await readPodFacts(files);
  switch (named) {
    case "check":
      return await check(rest, {
        readText: files.readText,
        exists: files.exists,
        modules: runtime.modules,
        env: runtime.env,
        pod,
        limitations: host.threads === undefined ? ["threads"] : [],
        stdout: host.stdout,
        stderr: host.stderr,
        load: (input) => loadWithContexts(input, kubeconfigOptions({ ...world, files })),
        live: (config, timeout, via) => checkLive(config, { ...world, files, pod }, timeout, via),
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
      return await health(rest, {
        files,
        env: runtime.env,
        pod,
        fetch: outgoingFetch(world),
        stdout: host.stdout,
        stderr: host.stderr,
      });
    case "explain":
      return await explain(rest, { ...world, files, pod });
    case "init":
      return await init(rest, { ...world, files, pod });
    default:
      return await gateway(rest, { ...world, files, pod });
  }
}
