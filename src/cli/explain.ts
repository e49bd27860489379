import type { Explained } from "../reports/explain/answer.ts";
import { type ExplainQuery, ExplainQueryError } from "../reports/explain/question.ts";
import { EXIT } from "../server/io.ts";
import type { ServeWorld } from "../server/serve.ts";
import { parseCommandLine } from "./args.ts";
import { ASK_OPTIONS, type Asked, adminTarget, askAdmin, askClusters } from "./ask.ts";
import { type CommandHelp, usageOf } from "./command-help.ts";
import { explainLines } from "./explain-lines.ts";

export const EXPLAIN: CommandHelp = {
  name: "explain",
  usage: ["explain [METHOD] URL [-H 'name: value']... [--admin URL [--token TOKEN] | --config FILE]"],
  summary: "what becomes of a request and why: the route, the nodes, and who is left out",
  more: "URL has a host, or is the path alone; METHOD is GET where it is left out. Exits 1 where no node would get it",
  options: [
    { name: "header", short: "H", value: "'NAME: VALUE'", multiple: true, help: "A header of the request." },
    {
      name: "client",
      value: "IP",
      help: "The client's address, which consistent hashing and trusted proxies go by.",
      default: "127.0.0.1",
    },
    { name: "verbose", short: "v", help: "All routes, nodes and notes, where otherwise 20 of each are printed." },
    ...ASK_OPTIONS,
  ],
};

const USAGE = `usage: ${usageOf(EXPLAIN)}`;

/**
 * `podway explain METHOD URL`: prints what becomes of a request, and why; exits 1 when no node would get it. URL has a
 * host, or is the path alone.
 */
export async function explain(argv: readonly string[], world: ServeWorld): Promise<number> {
  const { host } = world;
  const args = parseCommandLine(argv, EXPLAIN.options);
  const bad = (message: string): number => {
    host.stderr(message);
    return EXIT.badInput;
  };
  if ("error" in args) return bad(`${args.error}\n${USAGE}`);
  const url = args.positionals.at(-1);
  if (url === undefined || args.positionals.length > 2) return bad(USAGE);
  const method = args.positionals.length === 2 ? args.positionals[0]! : "GET";
  const query: ExplainQuery = { method, url, headers: args.all("header"), client: args.text("client") };
  const file = args.text("config");
  const answer = await (file === undefined
    ? askAdmin<Explained>(`/v1/explain?${searchOf(query)}`, adminTarget(args, host.env), world)
    : askItself(file, query, world));
  if ("error" in answer) return bad(answer.error);
  if (args.on("json")) host.stdout(JSON.stringify(answer));
  else for (const line of explainLines(answer, { verbose: args.on("verbose") })) host.stdout(line);
  const { outcome } = answer.verdict;
  return outcome === "forward" || outcome === "redirect" ? EXIT.fine : EXIT.no;
}

function searchOf({ method, url, headers, client }: ExplainQuery): string {
  const search = new URLSearchParams({ method, url });
  for (const header of headers) search.append("header", header);
  if (client !== undefined) search.set("client", client);
  return search.toString();
}

async function askItself(file: string, query: ExplainQuery, world: ServeWorld): Promise<Asked<Explained>> {
  try {
    return await askClusters(file, world, (gateway, patient) => gateway.explain(query, { patient }));
  } catch (error) {
    if (error instanceof ExplainQueryError) return { error: error.message };
    throw error;
  }
}
