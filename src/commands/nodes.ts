import { atMost, systemClock } from "../clock.ts";
import { formatIssue, loadConfig } from "../config/load.ts";
import type { NodesAnswer } from "../discovery/views.ts";
import { createGateway } from "../gateway.ts";
import { silentLogger } from "../log.ts";
import { parseCommandLine } from "../runtime/args.ts";
import { gatewayParts } from "./gateway-parts.ts";
import { EXIT } from "./io.ts";
import type { ServeWorld } from "./serve.ts";

/** How long a running gateway, or an apiserver, may take to answer. */
const ANSWER_WAIT_MS = 10_000;

const USAGE = "usage: podway nodes REF [--verbose] [--json] [--admin URL [--token TOKEN] | --config FILE]";

/** `podway nodes REF`: prints the nodes of a service reference; exits 1 and says why when there are none. */
export async function nodes(argv: readonly string[], world: ServeWorld): Promise<number> {
  const { host } = world;
  const args = parseCommandLine(argv, {
    admin: { type: "string" },
    token: { type: "string" },
    config: { type: "string", short: "c" },
    verbose: { type: "boolean", short: "v" },
    json: { type: "boolean" },
  });
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
      ? await askAdmin(reference, verbose, {
          admin: args.text("admin") ?? "http://127.0.0.1:9090",
          token: args.text("token") ?? host.env.PODWAY_ADMIN_TOKEN,
        })
      : await askClusters(reference, verbose, file, world);
  if ("error" in answer) return bad(answer.error);
  if (args.on("json")) host.stdout(JSON.stringify(answer));
  else print(answer, host.stdout, host.stderr);
  return answer.nodes.length > 0 ? EXIT.fine : EXIT.no;
}

type Asked = NodesAnswer | { error: string };

/** Asks a running gateway. */
async function askAdmin(
  reference: string,
  verbose: boolean,
  target: { admin: string; token: string | undefined },
): Promise<Asked> {
  const query = `service=${encodeURIComponent(reference)}${verbose ? "&verbose=1" : ""}`;
  const url = `${target.admin.replace(/\/+$/, "")}/v1/discovery/kubernetes/nodes?${query}`;
  let response: Response;
  try {
    const headers: Record<string, string> =
      target.token === undefined ? {} : { authorization: `Bearer ${target.token}` };
    response = await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_WAIT_MS) });
  } catch {
    return {
      error: `No gateway answers at ${target.admin}; name its admin address with --admin, or use --config FILE to ask the clusters directly`,
    };
  }
  if (response.status === 401) return { error: `The admin API at ${target.admin} wants a token: give it with --token` };
  if (!response.ok) return { error: `The admin API at ${target.admin} answered ${response.status}` };
  return (await response.json()) as NodesAnswer;
}

/** Follows the clusters of a config for as long as the answer takes: the first list of the one that is asked, or its failure. */
async function askClusters(reference: string, verbose: boolean, file: string, world: ServeWorld): Promise<Asked> {
  const { host, files, pod } = world;
  let text: string;
  try {
    text = await files.readText(file);
  } catch (error) {
    return { error: (error as Error).message };
  }
  const loaded = loadConfig({ file, text, env: host.env, pod });
  if (!loaded.ok) return { error: loaded.errors.map(formatIssue).join("\n") };
  const parts = gatewayParts(world, silentLogger);
  const gateway = createGateway({
    config: loaded.config,
    logger: silentLogger,
    ...parts,
    // What the apiserver says now is asked for; the file belongs to the gateway that serves.
    createCluster: (cluster, zone) => parts.createCluster({ ...cluster, snapshot_file: undefined }, zone),
  });
  try {
    await atMost(gateway.whenKnown(reference), ANSWER_WAIT_MS, systemClock);
    return await gateway.nodes(reference, { verbose });
  } finally {
    await gateway.stop();
  }
}

function print(answer: NodesAnswer, stdout: (line: string) => void, stderr: (line: string) => void): void {
  for (const node of answer.nodes) {
    const host = node.host.includes(":") ? `[${node.host}]` : node.host;
    const details = "slice" in node ? `  ${node.pod ?? "-"}  ${node.slice}  ${node.zone ?? "-"}` : "";
    stdout(`${host}:${node.port}  weight ${node.weight}${details}`);
  }
  for (const node of answer.excluded ?? []) stderr(`not used: ${node.host}:${node.port}: ${node.excluded}`);
  if (answer.reason !== undefined) stderr(answer.reason);
  if (answer.available !== undefined && answer.available.length > 0)
    stderr(`there are: ${answer.available.join(", ")}`);
}
