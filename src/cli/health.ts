import { formatIssue, loadConfig } from "../config/load.ts";
import { FORMAT } from "../gateway/format.ts";
import type { Fetch } from "../platform/fetch.ts";
import type { Files } from "../platform/files.ts";
import { shownAuthority } from "../platform/listen.ts";
import { DEFAULT_CONFIG } from "../server/config-source.ts";
import { EXIT, type PodFacts } from "../server/io.ts";
import { parseCommandLine } from "./args.ts";
import { adminFault, DEFAULT_ADMIN } from "./ask.ts";
import { type CommandHelp, JSON_OPTION, usageOf } from "./command-help.ts";

/** What `health` needs of the world. */
export interface HealthIo {
  readonly files: Pick<Files, "readText" | "exists">;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pod: PodFacts;
  readonly fetch: Fetch;
  stdout(line: string): void;
  stderr(line: string): void;
}

/** A gateway that takes longer to say that it is alive is not. */
const ANSWER_WAIT_MS = 2000;

/** Nothing took the question. */
const NOT_THERE = "no answer: the gateway does not run, or has its admin API elsewhere (--admin URL, --config FILE)";

export const HEALTH: CommandHelp = {
  name: "health",
  usage: ["health [--ready] [--admin URL | --config FILE]"],
  summary: "whether the gateway of this machine is alive, as a container's health check asks",
  options: [
    { name: "ready", help: "Whether it may have traffic: every required cluster has its first list." },
    { name: "admin", value: "URL", help: "Its admin API.", default: "that of the config" },
    {
      name: "config",
      short: "c",
      value: "FILE",
      help: "The config that says where its admin API is.",
      default: `${DEFAULT_CONFIG} where it is there, else ${DEFAULT_ADMIN}`,
    },
    JSON_OPTION,
  ],
};

const USAGE = `usage: ${usageOf(HEALTH)}`;

/** Where the gateway of a config has its admin API. */
async function adminOf(file: string, { files, env, pod }: HealthIo): Promise<{ url: string } | { error: string }> {
  const text = await files.readText(file).catch((error: Error) => error);
  if (text instanceof Error) return { error: text.message };
  const loaded = loadConfig({ format: FORMAT, file, text, env, pod });
  if (!loaded.ok) return { error: loaded.errors.map(formatIssue).join("\n") };
  const { admin } = loaded.config;
  if (admin === false) return { error: `${file} has admin: false: there is nobody to ask` };
  if (admin.listen.port === 0) return { error: `${file} has no fixed port in admin.listen: name it with --admin` };
  return { url: `http://${shownAuthority(admin.listen.host, admin.listen.port)}` };
}

/**
 * `health`: asks the gateway of this machine whether it is alive, with `--ready` whether it may have traffic: what a
 * container's health check runs, where there is no curl. Exits 0 for yes and 1 for no.
 */
export async function health(argv: readonly string[], io: HealthIo): Promise<number> {
  const args = parseCommandLine(argv, HEALTH.options);
  const bad = (message: string): number => {
    io.stderr(message);
    return EXIT.badInput;
  };
  if ("error" in args) return bad(`${args.error}\n${USAGE}`);
  if (args.positionals.length > 0) return bad(USAGE);
  const named = args.text("admin");
  const fault = named === undefined ? undefined : adminFault(named);
  if (fault !== undefined) return bad(fault);
  const file = args.text("config") ?? ((await io.files.exists(DEFAULT_CONFIG)) ? DEFAULT_CONFIG : undefined);
  const admin =
    named !== undefined ? { url: named.replace(/\/+$/, "") } : file ? await adminOf(file, io) : { url: DEFAULT_ADMIN };
  if ("error" in admin) return bad(admin.error);

  const url = `${admin.url}/${args.on("ready") ? "readyz" : "healthz"}`;
  const answer = await ask(url, io.fetch);
  if (args.on("json")) io.stdout(JSON.stringify({ url, ...answer }));
  else if (!answer.ok) io.stderr(`${url}: ${answer.why}`);
  return answer.ok ? EXIT.fine : EXIT.no;
}

async function ask(url: string, fetch: Fetch): Promise<{ ok: true } | { ok: false; why: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WAIT_MS) });
    const text = await response.text();
    return response.ok ? { ok: true } : { ok: false, why: `${response.status} ${text.trim().slice(0, 400)}` };
  } catch (error) {
    const late = (error as Error).name === "TimeoutError";
    return { ok: false, why: late ? `no answer within ${ANSWER_WAIT_MS / 1000} s` : NOT_THERE };
  }
}
