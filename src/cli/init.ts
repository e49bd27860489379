import { systemClock } from "../base/clock.ts";
import { formatIssue, loadConfig } from "../config/load.ts";
import { FORMAT } from "../gateway/format.ts";
import { openKubeconfig } from "../kubernetes/kubeconfig.ts";
import type { Files } from "../platform/files.ts";
import { DEFAULT_CONFIG, findKubeconfig } from "../server/config-source.ts";
import { EXIT, programOf } from "../server/io.ts";
import type { ServeWorld } from "../server/serve.ts";
import { type ParsedArgs, parseCommandLine } from "./args.ts";
import { type Asked, askAdmin, DEFAULT_ADMIN } from "./ask.ts";
import { type CommandHelp, JSON_OPTION } from "./command-help.ts";

export const INIT: CommandHelp = {
  name: "init",
  usage: ["init [FILE] [--kubeconfig FILE [--context NAME] | --apiserver URL] [--service REF]"],
  summary: "write a small gateway.yaml to begin with",
  more: `FILE is ${DEFAULT_CONFIG} where it is left out, - is standard output; a file that is there stays. It is written for the cluster of a kubeconfig, for an apiserver, or for the demo that runs on this machine`,
  options: [
    {
      name: "kubeconfig",
      value: "FILE",
      help: "The kubeconfig of the cluster.",
      default: "KUBECONFIG of the environment, else ~/.kube/config",
    },
    { name: "context", value: "NAME", help: "Its context.", default: "the current one" },
    { name: "apiserver", value: "URL", help: "An apiserver that wants no credentials, such as kubectl proxy's." },
    { name: "service", value: "REF", help: "What the first route leads to: namespace/name:port." },
    { name: "admin", value: "URL", help: "Where to look for a demo that runs.", default: DEFAULT_ADMIN },
    JSON_OPTION,
  ],
};

/** A cluster that a config can be written for. */
interface Found {
  /** For the file's first line. */
  readonly of: string;
  /** `discovery.kubernetes` without `watch_endpoint_slices`: lines of YAML. */
  readonly block: readonly string[];
  readonly service: string;
  /** Whether the service is one to be replaced. */
  readonly invented: boolean;
}

/** A text in YAML: every JSON text is one. `${` would be a variable. */
const quoted = (text: string): string => JSON.stringify(text.replaceAll("${", "$${"));

const fileText = ({ of, block, service, invented }: Found): string => `# Written by podway init, for ${of}.
# podway check says what is wrong with this file, podway check --live asks the cluster too.
server:
  listen: 127.0.0.1:8080 # 0.0.0.0:8080 is for others than this machine too
admin:
  listen: 127.0.0.1:9090 # health, metrics, and the console in a browser
discovery:
  kubernetes:
    watch_endpoint_slices: true
${block.map((line) => `    ${line}\n`).join("")}routes:
  - path: / # everything below it
    service: ${quoted(service)} # namespace/name:port${invented ? "; put one of yours here" : ""}
`;

function serverBlock(url: URL): string[] {
  const schema = url.protocol.slice(0, -1);
  const port = url.port || (schema === "https" ? "443" : "80");
  return [`service: { schema: ${schema}, host: ${quoted(url.hostname.replace(/^\[|\]$/g, ""))}, port: ${port} }`];
}

async function ofKubeconfig(file: string, args: ParsedArgs, { files, host, runtime }: ServeWorld): Promise<Found> {
  const context = args.text("context");
  const { run } = runtime;
  const options = { context, files, run, env: host.env, clock: systemClock };
  const { namespace = "default" } = await openKubeconfig(file, options);
  const named = context === undefined ? "" : `, context: ${quoted(context)}`;
  return {
    of: `the cluster of ${file}`,
    block: [`client: { kubeconfig: ${quoted(file)}${named} }`],
    service: `${namespace}/my-service:http`,
    invented: true,
  };
}

/** The demo that runs on this machine, by its admin API. */
async function ofDemo(admin: string, world: ServeWorld): Promise<Asked<Found>> {
  type Dump = { config?: { service?: { schema?: string; host?: string; port?: string | number } }[] };
  const answer = await askAdmin<Dump>("/v1/discovery/kubernetes/dump", { admin, token: undefined }, world);
  const { schema, host, port } = ("error" in answer ? undefined : answer.config?.[0]?.service) ?? {};
  const url = `${schema}://${host}:${port}`;
  if (schema !== "http" || !URL.canParse(url)) {
    const { env } = world.host;
    const looked = env.KUBECONFIG
      ? `KUBECONFIG names ${env.KUBECONFIG}, and that is not there`
      : "KUBECONFIG is not set, and ~/.kube/config is not there";
    return {
      error: `There is no kubeconfig (${looked}), and no demo runs at ${admin}: name one with --kubeconfig or an apiserver with --apiserver, or start ${programOf(env)} --demo first`,
    };
  }
  return { of: "the demo", block: serverBlock(new URL(url)), service: "demo/echo:http", invented: false };
}

async function find(args: ParsedArgs, world: ServeWorld): Promise<Asked<Found>> {
  const { host, files } = world;
  const apiserver = args.text("apiserver");
  if (apiserver !== undefined) {
    if (!/^https?:\/\//i.test(apiserver) || !URL.canParse(apiserver)) {
      return { error: "--apiserver is a URL such as http://127.0.0.1:8001" };
    }
    const url = new URL(apiserver);
    return {
      of: `the apiserver at ${url.origin}`,
      block: serverBlock(url),
      service: "default/my-service:http",
      invented: true,
    };
  }
  const named = args.text("kubeconfig");
  const inPod = host.env.KUBERNETES_SERVICE_HOST !== undefined && named === undefined;
  if (inPod) return { of: "this pod's cluster", block: [], service: "default/my-service:http", invented: true };
  const file = named ?? (await findKubeconfig({ files, env: host.env }));
  if (file === undefined) return await ofDemo(args.text("admin") ?? DEFAULT_ADMIN, world);
  try {
    return await ofKubeconfig(file, args, world);
  } catch (error) {
    return { error: (error as Error).message };
  }
}

async function write(files: Files, file: string, text: string): Promise<string | undefined> {
  try {
    await files.writeAtomic(file, text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** `podway init [FILE]`: writes a config to begin with; never over a file that is there. Gives the exit code. */
export async function init(argv: readonly string[], world: ServeWorld): Promise<number> {
  const { host, files, pod } = world;
  const bad = (why: string): number => {
    host.stderr(`podway init: ${why}`);
    return EXIT.badInput;
  };
  const args = parseCommandLine(argv, INIT.options);
  if ("error" in args) return bad(args.error);
  if (args.positionals.length > 1) return bad("one file at a time");
  const file = args.positionals[0] ?? DEFAULT_CONFIG;
  const toStdout = file === "-";
  if (!toStdout && (await files.exists(file))) {
    return bad(`there is a file ${file} already, and it stays; name another, or - for standard output`);
  }
  const found = await find(args, world);
  if ("error" in found) return bad(found.error);
  const service = args.text("service");
  const text = fileText(service === undefined ? found : { ...found, service, invented: false });
  const loaded = loadConfig({ format: FORMAT, file, text, env: host.env, pod });
  if (!loaded.ok) return bad(loaded.errors.map(formatIssue).join("\n"));
  if (toStdout) {
    host.stdout(args.on("json") ? JSON.stringify({ text }) : text.trimEnd());
    return EXIT.fine;
  }
  const fault = await write(files, file, text);
  if (fault !== undefined) return bad(fault);
  if (args.on("json")) host.stdout(JSON.stringify({ file, text }));
  else {
    const next = `${programOf(host.env)} check --live --config ${file}`;
    host.stdout(`Wrote ${file}, for ${found.of}. Put your service in it, then: ${next}`);
  }
  return EXIT.fine;
}
