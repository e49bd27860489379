import { parseCommandLine } from "../runtime/args.ts";
import { demoOrigin, fileOrigin } from "./config-origin.ts";
import { findConfig } from "./config-source.ts";
import { EXIT } from "./io.ts";
import { type ServeWorld, serveUntilSignal } from "./serve.ts";

/** `podway [--config FILE | --demo]`: finds the config and serves it until a signal ends it. */
export async function gateway(argv: readonly string[], world: ServeWorld): Promise<number> {
  const { host, files } = world;
  const args = parseCommandLine(argv, {
    config: { type: "string", short: "c" },
    demo: { type: "boolean" },
    json: { type: "boolean" },
  });
  if ("error" in args) {
    host.stderr(`${args.error}; see --help`);
    return EXIT.badInput;
  }
  const asked = { file: args.text("config"), demo: args.on("demo") };
  if (asked.demo && asked.file !== undefined) {
    host.stderr("--demo and --config exclude each other");
    return EXIT.badInput;
  }
  const source = await findConfig(asked, { files, env: host.env });
  if (source.kind === "none") {
    host.stderr(source.help);
    return EXIT.badInput;
  }
  const origin = source.kind === "demo" ? await demoOrigin(host) : fileOrigin(source.file, files);
  try {
    return await serveUntilSignal(origin, world, { json: args.on("json") });
  } finally {
    await origin.stop();
  }
}
