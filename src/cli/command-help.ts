import type { CommandOption } from "./args.ts";

/** A command as data: what its `--help`, its complaints and the reference are made of. */
export interface CommandHelp {
  /** The word that names it; `gateway` may be left out. */
  readonly name: string;
  /** Its command lines, without `podway` and without what every option is. */
  readonly usage: readonly string[];
  /** One phrase for the list of commands. */
  readonly summary: string;
  /** Sentences, where there is more to say. */
  readonly more?: string;
  readonly options: readonly CommandOption[];
}

/** `--json`, of every command. */
export const JSON_OPTION: CommandOption = { name: "json", help: "What is printed is JSON." };

/** `--help`, of every command. */
export const HELP_OPTION: CommandOption = { name: "help", short: "h", help: "This page." };

/** Characters of a line. */
const WIDTH = 110;

/** A text in lines that fit, each behind so many blanks. */
function wrapped(text: string, indent: number, width = WIDTH): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}

/** Rows of two columns, the second one wrapped. */
export function columns(rows: readonly (readonly [left: string, right: string])[], most = 30): string {
  const left = Math.min(most, Math.max(...rows.map(([text]) => text.length)));
  const indent = left + 4;
  return rows
    .map(([name, text]) => {
      const start = name.length > left ? `  ${name}\n${" ".repeat(indent)}` : `  ${name.padEnd(left)}  `;
      return start + wrapped(text, indent);
    })
    .join("\n");
}

/** An option as it is typed. */
export const optionName = ({ name, short, value }: CommandOption): string =>
  `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;

/** What an option means. */
export const optionHelp = ({ help, multiple = false, default: normal }: CommandOption): string =>
  [help, ...(multiple ? ["May be given several times."] : []), ...(normal ? [`Default: ${normal}.`] : [])].join(" ");

/** How a command is called, in one line or a few. */
export const usageOf = ({ usage }: CommandHelp): string => usage.map((line) => `podway ${line}`).join(", or ");

/** What `podway COMMAND --help` prints. */
export function helpPage(command: CommandHelp): string {
  const { usage, summary, more, options } = command;
  const called = usage.map((line) => `  podway ${line}`).join("\n");
  const said = [summary[0]!.toUpperCase() + summary.slice(1), more].filter((text) => text !== undefined).join(". ");
  const rows = [...options, HELP_OPTION].map((option) => [optionName(option), optionHelp(option)] as const);
  return `${called}\n\n${wrapped(`${said}.`, 0)}\n\n${columns(rows)}`;
}
