import { parseArgs } from "node:util";

/** An option of a command, as it is read and as it is described. */
export interface CommandOption {
  /** Without its dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** What stands for its value in descriptions; left out: it is a switch. */
  readonly value?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  /** What it does, in a phrase or a sentence or two. */
  readonly help: string;
  /** What holds without it. */
  readonly default?: string;
}

/** What a command line held. */
export interface ParsedArgs {
  readonly positionals: readonly string[];
  /** The text of an option, the last one where it was given several times. */
  text(name: string): string | undefined;
  /** The texts of an option that may be given several times, in their order. */
  all(name: string): readonly string[];
  /** Whether a switch is on. */
  on(name: string): boolean;
}

/** Takes a command line apart; an unknown option or a missing value is an error. */
export function parseCommandLine(
  argv: readonly string[],
  options: readonly CommandOption[],
): ParsedArgs | { error: string } {
  const known = options.map(({ name, short, value, multiple = false }) => {
    const type = value === undefined ? ("boolean" as const) : ("string" as const);
    return [name, { type, multiple, ...(short !== undefined && { short }) }] as const;
  });
  try {
    const parsed = parseArgs({
      args: [...argv],
      options: Object.fromEntries(known),
      allowPositionals: true,
      strict: true,
    });
    const values = parsed.values as Record<string, string | boolean | string[] | undefined>;
    return {
      positionals: parsed.positionals,
      text: (name) => (typeof values[name] === "string" ? values[name] : undefined),
      all: (name) => (Array.isArray(values[name]) ? values[name] : []),
      on: (name) => values[name] === true,
    };
  } catch (error) {
    return { error: (error as Error).message.split(". ")[0]! };
  }
}
