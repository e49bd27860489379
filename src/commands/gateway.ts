import { type ParsedArgs, parseCommandLine } from "../runtime/args.ts";
import { type DemoPorts, demoOrigin, fileOrigin } from "./config-origin.ts";
import { findConfig } from "./config-source.ts";
import { EXIT } from "./io.ts";
import { type ServeWorld, serveUntilSignal } from "./serve.ts";

/** A port of the command line; an error in words where it is none. */
function portOf(args: ParsedArgs, name: string): number | undefined | { error: string } {
  const text = args.text(name);
  if (text === undefined) return undefined;
  const port = Number(text);
  return /^\d+$/.test(text) && port <= 65_535 ? port : { error: `--${name} is a port: 0 to 65535` };
}

/** Where the demo listens, by the command line. */
function demoPorts(args: ParsedArgs): DemoPorts | { error: string } {
  const port = portOf(args, "port");
  const adminPort = portOf(args, "admin-port");
  if (typeof port === "object") return port;
  return typeof adminPort === "object" ? adminPort : { port, adminPort };
}

/** `podway [--config FILE | --demo]`: finds the config and serves it until a signal ends it. */
export async function gateway(argv: readonly string[], world: ServeWorld): Promise<number> {
  const { host, files } = world;
  const bad = (why: string): number => {
    host.stderr(why);
    return EXIT.badInput;
  };
  const args = parseCommandLine(argv, {
    config: { type: "string", short: "c" },
    demo: { type: "boolean" },
    port: { type: "string" },
    "admin-port": { type: "string" },
    takeover: { type: "boolean" },
    json: { type: "boolean" },
  });
  if ("error" in args) return bad(`${args.error}; see --help`);
  const asked = { file: args.text("config"), demo: args.on("demo") };
  if (asked.demo && asked.file !== undefined) return bad("--demo and --config exclude each other");
  const ports = demoPorts(args);
  if ("error" in ports) return bad(ports.error);
  const source = await findConfig(asked, { files, env: host.env });
  if (source.kind === "none") return bad(source.help);
  if (source.kind === "file" && (ports.port ?? ports.adminPort) !== undefined) {
    return bad(`--port and --admin-port are the demo's: ${source.file} has server.listen and admin.listen`);
  }
  if (source.kind === "demo" && source.note !== undefined) host.stderr(source.note);
  const origin = source.kind === "demo" ? await demoOrigin(host, ports) : fileOrigin(source.file, files);
  try {
    return await serveUntilSignal(origin, world, { json: args.on("json"), takeover: args.on("takeover") });
  } finally {
    await origin.stop();
  }
}
