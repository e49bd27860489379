import { showPath } from "../config/issues.ts";
import { type ConfigIssue, formatIssue, type LoadInput, loadConfig } from "../config/load.ts";
import { namedFiles } from "../config/named-files.ts";
import type { Config } from "../config/schema.ts";
import { readSource } from "../config/source.ts";
import { FORMAT } from "../gateway/format.ts";
import { createModules, type ModuleUse } from "../middleware/modules.ts";
import type { ModuleLoader } from "../platform/modules.ts";
import type { LiveReport } from "../reports/live/report.ts";
import { DEFAULT_CONFIG, nameOrInit } from "../server/config-source.ts";
import { EXIT } from "../server/io.ts";
import type { LoadedWithContexts } from "../server/load-config.ts";
import { parseCommandLine } from "./args.ts";
import { liveLines, ruleLines } from "./check-live-lines.ts";
import { type CommandHelp, JSON_OPTION, usageOf } from "./command-help.ts";

/** What `check` needs of the world. */
export interface CheckIo extends Pick<LoadInput, "env" | "pod"> {
  /** Rejects with an error whose message names the path. */
  readText(path: string): Promise<string>;
  exists(path: string): Promise<boolean>;
  /** What this runtime cannot do that others can. */
  readonly limitations?: LoadInput["limitations"];
  /** Left out: modules are not looked into. */
  readonly modules?: ModuleLoader | undefined;
  /** One line to standard output. */
  stdout(line: string): void;
  /** One line to standard error. */
  stderr(line: string): void;
  /** Reads the config together with its kubeconfigs; left out: those are not looked into. */
  load?(input: LoadInput): Promise<LoadedWithContexts>;
  /** Asks the clusters of a config, each for `timeout` ms at most; left out: there is no way to them. */
  live?(config: Config, timeout: number, viaApiserver: boolean): Promise<LiveReport>;
}

/** Seconds that `--live` gives each cluster. */
const DEFAULT_TIMEOUT = "10";

export const CHECK: CommandHelp = {
  name: "check",
  usage: ["check [FILE] [--live [--timeout SECONDS] [--rules]]"],
  summary: "what is wrong with a config, with file, line and column",
  more: `FILE is ${DEFAULT_CONFIG} where it is left out. Nothing is started; modules of your own are loaded. Exits 2 where the file is not valid, with --live 1 where something keeps a valid file from working now`,
  options: [
    {
      name: "live",
      help: "Also asks the clusters: whether they are reached, trusted and allow what is needed, and which services are there.",
    },
    {
      name: "timeout",
      value: "SECONDS",
      help: "With --live: how long each cluster may take.",
      default: DEFAULT_TIMEOUT,
    },
    {
      name: "rules",
      help: "With --live: prints the roles that are missing on standard output, for kubectl apply -f -, and the rest on standard error.",
    },
    { name: "via-apiserver", help: "With --live: also the rights that podway --via-apiserver takes." },
    { name: "config", short: "c", value: "FILE", help: "The same as FILE." },
    JSON_OPTION,
  ],
};

const USAGE = usageOf(CHECK);

interface Verdict {
  readonly valid: boolean;
  readonly errors: readonly ConfigIssue[];
  readonly warnings: readonly ConfigIssue[];
  /** With `--live`. */
  readonly live?: LiveReport;
}

const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? "" : "s"}`;

/** What is wrong with the user's own middleware: they are loaded as the gateway would. */
async function moduleErrors(
  uses: readonly ModuleUse<ConfigIssue>[],
  file: string,
  { modules }: CheckIo,
): Promise<readonly ConfigIssue[]> {
  return modules === undefined ? [] : createModules(modules, file).load(uses);
}

/**
 * `check [FILE]`: says whether a config file would be accepted, with every error at its place. Errors and warnings go
 * to stderr, one a line; with `--json` one object goes to stdout instead. Files the config names that are not on this
 * machine are a warning: it may be checked elsewhere than it runs. With `--live` the clusters are asked too: exit code
 * 1 says that something keeps a valid file from working now. Gives the exit code.
 */
export async function check(argv: readonly string[], io: CheckIo): Promise<number> {
  const args = parseCommandLine(argv, CHECK.options);
  const refuse = (why: string): number => {
    if (!("error" in args) && args.on("json")) {
      const issue = { file: "", line: 0, column: 0, path: "", message: why };
      io.stdout(JSON.stringify({ valid: false, errors: [issue], warnings: [] } satisfies Verdict));
    } else {
      io.stderr(`podway check: ${why}`);
    }
    return EXIT.badInput;
  };
  if ("error" in args) return refuse(`${args.error}. Usage: ${USAGE}`);
  const timeout = Number(args.text("timeout") ?? DEFAULT_TIMEOUT);
  if (!(timeout > 0)) return refuse(`--timeout is a number of seconds. Usage: ${USAGE}`);
  const { live } = args.on("live") ? io : {};
  if (args.on("live") && live === undefined) return refuse("--live is not available here: there is no way to clusters");
  if (args.positionals.length > 1) return refuse(`one file at a time. Usage: ${USAGE}`);

  const named = args.positionals[0] ?? args.text("config");
  const file = named ?? DEFAULT_CONFIG;
  const name = file.replace(/^\.\//, "");
  if (!(await io.exists(file)))
    return refuse(`there is no file ${name}${named === undefined ? `: ${nameOrInit(io.env)}` : ""}`);
  const text = await io.readText(file).catch((error: Error) => error);
  if (text instanceof Error) return refuse(text.message);

  const input: LoadInput = { format: FORMAT, file: name, text, env: io.env, pod: io.pod, limitations: io.limitations };
  const result = io.load === undefined ? { ...loadConfig(input), kubeconfigs: [] } : await io.load(input);
  const warnings = [...result.warnings];
  if (result.ok) {
    const { routes, streams } = result.config;
    const source = readSource({ file: name, text, env: io.env });
    if (routes.length + streams.length === 0) {
      warnings.push(source.issue(["routes"], "the file has no routes: every request is answered 404 no_route", "key"));
    }
    const missing = new Set<string>();
    for (const { path, name: named } of namedFiles(FORMAT, result.config)) {
      if (await io.exists(named)) continue;
      warnings.push(source.issue(path, `${showPath(path)} names a file that is not on this machine`, "key"));
      missing.add(showPath(path));
    }
    for (const { path, why } of result.kubeconfigs) {
      if (!missing.has(showPath(path))) warnings.push(source.issue(path, `${showPath(path)}: ${why}`, "key"));
    }
  }
  const errors = result.ok ? await moduleErrors(result.modules, file, io) : result.errors;
  const valid = errors.length === 0;
  const found = result.ok && valid ? await live?.(result.config, timeout * 1000, args.on("via-apiserver")) : undefined;
  if (args.on("json")) {
    io.stdout(JSON.stringify({ valid, errors, warnings, ...(found && { live: found }) } satisfies Verdict));
  } else {
    for (const issue of errors) io.stderr(formatIssue(issue));
    for (const issue of warnings) io.stderr(`${formatIssue(issue)} (warning)`);
    // With --rules standard output is for kubectl alone.
    const tell = args.on("rules") ? io.stderr : io.stdout;
    if (result.ok && valid) tell(`${name} is valid: ${contents(result.config)}`);
    for (const line of found === undefined ? [] : liveLines(found)) tell(line);
    for (const line of found === undefined ? [] : ruleLines(found)) io.stdout(line);
  }
  if (!valid) return EXIT.badInput;
  return found === undefined || found.ok ? EXIT.fine : EXIT.no;
}

const contents = ({ routes, discovery }: Config): string =>
  `${counted(routes.length, "route")}, ${counted(discovery?.clusters.length ?? 0, "cluster")}`;
