import type { CommandOption } from "../../src/cli/args.ts";
import { HELP_OPTION, optionHelp, optionName } from "../../src/cli/command-help.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { cell, table } from "./page.ts";

const optionTable = (options: readonly CommandOption[]): string =>
  table(
    ["option", "meaning"],
    options.map((option) => [`\`${optionName(option)}\``, cell(optionHelp(option))]),
  );

/** Every command with its options, as `--help` has them. */
export function commandsPage(): string {
  const sections = COMMANDS.map(({ name, usage, summary, more, options }) => {
    const said = more === undefined ? `${summary}.` : `${summary}. ${more}.`;
    const called = usage.map((line) => `    podway ${line}`).join("\n");
    const rows = options.length === 0 ? "" : `\n\n${optionTable(options)}`;
    return `## \`${name}\`\n\n${said[0]!.toUpperCase()}${said.slice(1)}\n\n${called}${rows}`;
  });
  return `# Commands

\`podway COMMAND\` is \`bun run gateway COMMAND\` in a checkout. Exit codes: 0 fine, 1 it ran and the answer is no, 2 bad input. Of every command:

${optionTable([HELP_OPTION])}

${sections.join("\n\n")}
`;
}
