import type { NodesAnswer } from "../discovery/views.ts";
import { EXIT } from "../server/io.ts";
import type { ServeWorld } from "../server/serve.ts";
import { parseCommandLine } from "./args.ts";
import { ASK_OPTIONS, adminTarget, askAdmin, askClusters } from "./ask.ts";
import { type CommandHelp, usageOf } from "./command-help.ts";

export const NODES: CommandHelp = {
  name: "nodes",
  usage: ["nodes REF [--admin URL [--token TOKEN] | --config FILE]"],
  summary: "the nodes of a service, as a running gateway sees them",
  more: "REF is namespace/name:port, with several clusters id/namespace/name:port. Exits 1 and says why where there are none",
  options: [
    { name: "verbose", short: "v", help: "Also where each comes from: object, conditions, zone, pod, ejection." },
    ...ASK_OPTIONS,
  ],
};

const USAGE = `usage: ${usageOf(NODES)}`;

/** `podway nodes REF`: prints the nodes of a service reference; exits 1 and says why when there are none. */
export async function nodes(argv: readonly string[], world: ServeWorld): Promise<number> {
  const { host } = world;
  const args = parseCommandLine(argv, NODES.options);
  const bad = (message: string): number => {
    host.stderr(message);
    return EXIT.badInput;
  };
  if ("error" in args) return bad(`${args.error}\n${USAGE}`);
  const [reference, ...more] = args.positionals;
  if (reference === undefined || more.length > 0) return bad(USAGE);
  const file = args.text("config");
  const verbose = args.on("verbose");
  const answer =
    file === undefined
      ? await askAdmin<NodesAnswer>(
          `/v1/discovery/kubernetes/nodes?service=${encodeURIComponent(reference)}${verbose ? "&verbose=1" : ""}`,
          adminTarget(args, host.env),
          world,
        )
      : await askClusters(file, world, async (gateway, patient) => {
          if (patient) await gateway.whenKnown(reference);
          return gateway.nodes(reference, { verbose });
        });
  if ("error" in answer) return bad(answer.error);
  if (args.on("json")) host.stdout(JSON.stringify(answer));
  else print(answer, host.stdout, host.stderr);
  return answer.nodes.length > 0 ? EXIT.fine : EXIT.no;
}

function print(answer: NodesAnswer, stdout: (line: string) => void, stderr: (line: string) => void): void {
  for (const node of answer.nodes) {
    const host = node.host.includes(":") ? `[${node.host}]` : node.host;
    const details = "slice" in node ? `  ${node.pod ?? "-"}  ${node.slice}  ${node.zone ?? "-"}` : "";
    stdout(`${host}:${node.port}  weight ${node.weight}${details}`);
  }
  for (const node of answer.nodes) {
    if ("ejection" in node && node.ejection !== undefined) {
      const { until, routes } = node.ejection;
      stderr(`ejected: ${node.host}:${node.port}: until ${until}, by route ${routes.join(", ")}`);
    }
  }
  for (const node of answer.nodes) {
    if ("behind" in node) stderr(`comes second: ${node.host}:${node.port}: ${node.behind}`);
  }
  for (const node of answer.excluded ?? []) stderr(`not used: ${node.host}:${node.port}: ${node.excluded}`);
  if (answer.reason !== undefined) stderr(answer.reason);
  if (answer.available !== undefined && answer.available.length > 0)
    stderr(`there are: ${answer.available.join(", ")}`);
}
