import { type DemoPorts, demoOrigin, fileOrigin } from "../server/config-origin.ts";
import { DEFAULT_CONFIG, findConfig } from "../server/config-source.ts";
import { EXIT } from "../server/io.ts";
import { type ServeWorld, serveUntilSignal } from "../server/serve.ts";
import { type ParsedArgs, parseCommandLine } from "./args.ts";
import { type CommandHelp, JSON_OPTION } from "./command-help.ts";

export const GATEWAY: CommandHelp = {
  name: "gateway",
  usage: ["[gateway] [--config FILE]", "[gateway] --demo [--port N] [--admin-port N]"],
  summary: "serve a config, or the demo",
  more: "Without a config file the demo is served, which needs nothing; not so in a pod. SIGTERM ends it in peace, SIGHUP reads the config again",
  options: [
    { name: "config", short: "c", value: "FILE", help: "The config.", default: DEFAULT_CONFIG },
    { name: "demo", help: "Serves a cluster in memory: an apiserver, two pods, and the gateway in front." },
    { name: "port", value: "N", help: "The demo's port; 0 lets the system choose.", default: "8080" },
    { name: "admin-port", value: "N", help: "The port of the demo's admin API and console.", default: "9090" },
    {
      name: "takeover",
      help: "Listens beside the gateway that has the ports for traffic: it is about to end. The admin API follows when it has ended.",
    },
    {
      name: "via-apiserver",
      help: "Reaches pods through the apiserver, where their addresses are not: for laptops, kind and minikube. Takes the right pods/proxy and one thread.",
    },
    { ...JSON_OPTION, help: "The log and the ready line are JSON, on a terminal too." },
  ],
};

/** A port of the command line; an error message where it is none. */
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

/** `podway [gateway]`: finds the config and serves it until a signal ends it. */
export async function gateway(argv: readonly string[], world: ServeWorld): Promise<number> {
  const { host, files } = world;
  const bad = (why: string): number => {
    host.stderr(why);
    return EXIT.badInput;
  };
  const args = parseCommandLine(argv, GATEWAY.options);
  if ("error" in args) return bad(`${args.error}; see podway --help`);
  const asked = { file: args.text("config"), demo: args.on("demo") };
  if (asked.demo && asked.file !== undefined) return bad("--demo and --config exclude each other");
  const ports = demoPorts(args);
  if ("error" in ports) return bad(ports.error);
  const [stray] = args.positionals;
  if (stray !== undefined) return bad(`${stray} is no option; a config is named with --config ${stray}`);
  const source = await findConfig(asked, { files, env: host.env });
  if (source.kind === "none") return bad(source.help);
  if (source.kind === "file" && (ports.port ?? ports.adminPort) !== undefined) {
    return bad(`--port and --admin-port are the demo's: ${source.file} has server.listen and admin.listen`);
  }
  if (source.kind === "demo" && source.note !== undefined) host.stderr(source.note);
  const origin = source.kind === "demo" ? await demoOrigin(host, ports) : fileOrigin(source.file, files);
  try {
    return await serveUntilSignal(origin, world, {
      json: args.on("json"),
      takeover: args.on("takeover"),
      viaApiserver: args.on("via-apiserver"),
    });
  } finally {
    await origin.stop();
  }
}
