import { parseArgs } from "node:util";

/** An option of a command: `--name VALUE`, or a switch. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
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

/** Takes a command line apart; an unknown option or a missing value is an error in words. */
export function parseCommandLine(
  argv: readonly string[],
  options: Readonly<Record<string, OptionSpec>>,
): ParsedArgs | { error: string } {
  try {
    const parsed = parseArgs({ args: [...argv], options: { ...options }, allowPositionals: true, strict: true });
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
