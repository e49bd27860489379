import { atMost, systemClock } from "../base/clock.ts";
import { silentLogger } from "../base/log.ts";
import { formatIssue } from "../config/load.ts";
import { FORMAT } from "../gateway/format.ts";
import { createGateway, type Gateway } from "../gateway/gateway.ts";
import type { Host } from "../platform/host.ts";
import { gatewayParts } from "../server/gateway-parts.ts";
import { kubeconfigOptions, loadWithContexts } from "../server/load-config.ts";
import { outgoingFetch } from "../server/outgoing.ts";
import type { ServeWorld } from "../server/serve.ts";
import type { CommandOption, ParsedArgs } from "./args.ts";
import { JSON_OPTION } from "./command-help.ts";

/** How commands come to their answers: from a running gateway, or from the clusters of a config by themselves. */

/** How long a running gateway, or an apiserver, may take to answer. */
const ANSWER_WAIT_MS = 10_000;

/** Where the admin API of a gateway is that says nothing of it. */
export const DEFAULT_ADMIN = "http://127.0.0.1:9090";

/** Options of every command that asks. */
export const ASK_OPTIONS: readonly CommandOption[] = [
  { name: "admin", value: "URL", help: "The admin API of the gateway to ask.", default: DEFAULT_ADMIN },
  {
    name: "token",
    value: "TOKEN",
    help: "The admin API's token. Other users of the machine can see it in the list of processes.",
    default: "PODWAY_ADMIN_TOKEN of the environment",
  },
  {
    name: "config",
    short: "c",
    value: "FILE",
    help: "Asks no gateway: follows the clusters of this config for as long as the question takes.",
  },
  JSON_OPTION,
];

/** A gateway's admin API. */
export interface AdminTarget {
  readonly admin: string;
  readonly token: string | undefined;
}

/** The admin API that a command line means: the default address unless it names another. */
export function adminTarget(args: Pick<ParsedArgs, "text">, env: Host["env"]): AdminTarget {
  return {
    admin: args.text("admin") ?? DEFAULT_ADMIN,
    token: args.text("token") ?? env.PODWAY_ADMIN_TOKEN,
  };
}

/** An answer, or why there is none: bad input. */
export type Asked<T> = T | { readonly error: string };

/** What is wrong with an admin API's address; undefined where nothing is. */
export const adminFault = (admin: string): string | undefined =>
  /^https?:\/\//i.test(admin) && URL.canParse(admin) ? undefined : `--admin is a URL such as ${DEFAULT_ADMIN}`;

/** Asks the admin API of a running gateway for the JSON at a path. */
export async function askAdmin<T>(
  path: string,
  target: AdminTarget,
  world: Pick<ServeWorld, "runtime" | "host">,
): Promise<Asked<T>> {
  const fault = adminFault(target.admin);
  if (fault !== undefined) return { error: fault };
  let response: Response;
  try {
    const headers: Record<string, string> =
      target.token === undefined ? {} : { authorization: `Bearer ${target.token}` };
    const url = target.admin.replace(/\/+$/, "") + path;
    response = await outgoingFetch(world)(url, { headers, signal: AbortSignal.timeout(ANSWER_WAIT_MS) });
  } catch {
    return {
      error: `No gateway answers at ${target.admin}; name its admin address with --admin, or use --config FILE to ask the clusters directly`,
    };
  }
  if (response.status === 401) {
    const why =
      target.token === undefined
        ? "wants a token: give it with --token or PODWAY_ADMIN_TOKEN"
        : "does not take this token: it is admin.token of the gateway's config";
    return { error: `The admin API at ${target.admin} ${why}` };
  }
  if (response.status === 400) return { error: ((await response.json()) as { detail: string }).detail };
  if (!response.ok) return { error: `The admin API at ${target.admin} answered ${response.status}` };
  return (await response.json()) as T;
}

/**
 * Follows the clusters of a config file for as long as a question takes. `ask` waits for what it needs to know; it is
 * asked again without waiting when that takes too long.
 */
export async function askClusters<T>(
  file: string,
  { host, files, pod, runtime }: ServeWorld,
  ask: (gateway: Gateway, patient: boolean) => Promise<T>,
): Promise<Asked<T>> {
  let text: string;
  try {
    text = await files.readText(file);
  } catch (error) {
    return { error: (error as Error).message };
  }
  const loaded = await loadWithContexts(
    { format: FORMAT, file, text, env: host.env, pod },
    kubeconfigOptions({ host, files, runtime }),
  );
  if (!loaded.ok) return { error: loaded.errors.map(formatIssue).join("\n") };
  const parts = gatewayParts({ host, files, runtime }, silentLogger);
  const gateway = createGateway({
    config: loaded.config,
    logger: silentLogger,
    ...parts,
    // Nothing is served here, so no module of a user's is run.
    userMiddleware: () => (_context, next) => next(),
    // What the apiserver says now is asked for; the file belongs to the gateway that serves.
    createCluster: (cluster, zone) => parts.createCluster({ ...cluster, snapshot_file: undefined }, zone),
  });
  try {
    let answer: T | undefined;
    const patient = ask(gateway, true).then((found) => {
      answer = found;
    });
    await atMost(patient, ANSWER_WAIT_MS, systemClock);
    if (answer === undefined) answer = await ask(gateway, false);
    return answer;
  } finally {
    await gateway.stop();
  }
}
