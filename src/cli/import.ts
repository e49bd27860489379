import { formatIssue } from "../config/issues.ts";
import { IMPORTERS } from "../import/formats.ts";
import type { Importer } from "../import/importer.ts";
import { type ImportIssue, RANKS } from "../import/input.ts";
import { type ImportedFile, runImporter } from "../import/run-importer.ts";
import { summaryLine } from "../import/summary.ts";
import { EXIT } from "../server/io.ts";
import type { Progress } from "../server/progress.ts";
import { parseCommandLine } from "./args.ts";
import { usageOf as allUsages, type CommandHelp, JSON_OPTION } from "./command-help.ts";

/** What `import` needs of the world. */
export interface ImportIo {
  /** Rejects with an error whose message names the path. */
  readText(path: string): Promise<string>;
  exists(path: string): Promise<boolean>;
  /** Lines to standard output. */
  stdout(line: string): void;
  /** One line to standard error. */
  stderr(line: string): void;
  /** Where it tells how far it is; left out: nowhere. */
  readonly progress?: Progress | undefined;
}

/** Characters that take long enough to read and to translate that progress is shown. */
const LARGE = 256 * 1024;

const usageOf = (name: string, { switches }: Importer): string =>
  [`import ${name} FILE...`, ...switches.map((one) => `[--${one.name}]`)].join(" ");

export const IMPORT: CommandHelp = {
  name: "import",
  usage: Object.entries(IMPORTERS).map(([name, importer]) => usageOf(name, importer)),
  summary: "a gateway.yaml made of APISIX's or Ocelot's configuration, and what of it could not be carried over",
  more: "The config goes to standard output, the rest to standard error. Exits 1 where something is not carried over",
  options: [...new Set(Object.values(IMPORTERS).flatMap(({ switches }) => switches)), JSON_OPTION],
};

const line = (issue: ImportIssue, clause: string): string =>
  formatIssue({ ...issue, message: `${issue.path || "the file"}: ${clause}` });

/** What must be set for `check` to accept what is printed. */
function neededLine(variables: readonly string[]): string {
  const inPod = variables.some((name) => name.startsWith("KUBERNETES_SERVICE_"));
  return `check needs these set: ${variables.join(", ")}${inPod ? " (in a pod those of Kubernetes are)" : ""}`;
}

const USAGE = allUsages(IMPORT);

/**
 * `import FORMAT FILE...`: prints a gateway.yaml made of another gateway's files, and names on stderr every key that is
 * not carried over, with its place and the reason, what concerns access first and how many routes became what last.
 * With `--json` all of it is one object on stdout. Exits 0 when everything is carried over, 1 when something is not, 2
 * when there was nothing to read.
 */
export async function importConfig(argv: readonly string[], io: ImportIo): Promise<number> {
  const args = parseCommandLine(argv, IMPORT.options);
  const json = "error" in args ? argv.includes("--json") : args.on("json");
  const refuse = (why: string): number => {
    if (json) io.stdout(JSON.stringify({ gateway: null, error: why }));
    else io.stderr(`podway import: ${why}`);
    return EXIT.badInput;
  };
  if ("error" in args) return refuse(`${args.error}. Usage: ${USAGE}`);
  const [format = "", ...names] = args.positionals;
  const importer = Object.hasOwn(IMPORTERS, format) ? IMPORTERS[format] : undefined;
  if (importer === undefined) {
    const found = format === "" ? "" : `, and ${format} is none`;
    return refuse(`name the format first: one of ${Object.keys(IMPORTERS).join(", ")}${found}. Usage: ${USAGE}`);
  }
  const usage = `Usage: podway ${usageOf(format, importer)}`;
  if (names.length === 0) return refuse(`name the file to import. ${usage}`);
  const known = [...importer.switches, JSON_OPTION];
  const unknown = IMPORT.options.find((option) => args.on(option.name) && !known.includes(option));
  if (unknown !== undefined) return refuse(`--${unknown.name} means nothing to ${importer.name}'s format. ${usage}`);

  const files: ImportedFile[] = [];
  let size = 0;
  for (const [index, name] of names.entries()) {
    if (size > LARGE) io.progress?.show(`reading ${name} (${index + 1} of ${names.length})`);
    if (!(await io.exists(name))) return refuse(`there is no file ${name}`);
    const content = await io.readText(name).catch((error: Error) => error);
    if (content instanceof Error) return refuse(content.message);
    files.push({ name, content });
    size += content.length;
  }
  if (size > LARGE)
    io.progress?.show(`translating ${(size / 2 ** 20).toFixed(1)} MB of ${importer.name}'s configuration`);
  const result = runImporter(importer, files, args.on);
  io.progress?.end();
  if (!result.ok) {
    if (json) io.stdout(JSON.stringify({ gateway: null, errors: result.issues }));
    else for (const issue of result.issues) io.stderr(formatIssue(issue));
    return EXIT.badInput;
  }
  const { gateway, leftovers, notes, faults, summary, variables } = result;
  if (json) {
    io.stdout(JSON.stringify({ gateway, not_carried_over: leftovers, notes, faults, summary, variables }));
  } else {
    io.stdout(gateway.trimEnd());
    for (const issue of faults) io.stderr(`${formatIssue(issue)} (in what is printed)`);
    for (const rank of RANKS) {
      const ranked = (issues: readonly ImportIssue[]) => issues.filter((issue) => issue.rank === rank);
      for (const issue of ranked(leftovers)) io.stderr(line(issue, `not carried over: ${issue.message}`));
      for (const issue of ranked(notes)) io.stderr(line(issue, `${issue.message} (note)`));
    }
    if (variables.length > 0) io.stderr(neededLine(variables));
    io.stderr(summaryLine(summary));
  }
  return leftovers.length + faults.length === 0 ? EXIT.fine : EXIT.no;
}
