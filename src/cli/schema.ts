import { configJsonSchema } from "../config/json-schema.ts";
import { FORMAT } from "../gateway/format.ts";
import { EXIT } from "../server/io.ts";
import { parseCommandLine } from "./args.ts";
import { type CommandHelp, JSON_OPTION, usageOf } from "./command-help.ts";

/** What `schema` needs of the world. */
export interface SchemaIo {
  /** Lines to standard output. */
  stdout(line: string): void;
  /** One line to standard error. */
  stderr(line: string): void;
}

export const SCHEMA: CommandHelp = {
  name: "schema",
  usage: ["schema"],
  summary: "the JSON Schema of the config file, for editors",
  options: [{ ...JSON_OPTION, help: "It is JSON anyway." }],
};

/** `schema`: prints the JSON Schema of the config file. It is JSON with and without `--json`. Gives the exit code. */
export function schema(argv: readonly string[], io: SchemaIo): number {
  const args = parseCommandLine(argv, SCHEMA.options);
  const why = "error" in args ? args.error : args.positionals.length > 0 ? "it takes no argument" : undefined;
  if (why !== undefined) {
    io.stderr(`podway schema: ${why}. Usage: ${usageOf(SCHEMA)}`);
    return EXIT.badInput;
  }
  io.stdout(JSON.stringify(configJsonSchema(FORMAT), null, 2));
  return EXIT.fine;
}
