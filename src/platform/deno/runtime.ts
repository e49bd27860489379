import process from "node:process";
import type { Fetch, ProxyOf } from "../fetch.ts";
import { nodeFiles } from "../node/files.ts";
import { nodeModules } from "../node/modules.ts";
import { nodeDial } from "../node/streams.ts";
import { readOutput } from "../output.ts";
import type { CommandResult } from "../process.ts";
import type { Runtime } from "../runtime.ts";
import type { ClientTls } from "../tls.ts";
import { type DenoHttpClient, type DenoProxy, deno, UNVERIFIED } from "./api.ts";
import { dialTls } from "./streams.ts";

/** Options of Deno's fetch that the standard's types leave out. */
type DenoInit = RequestInit & { client: DenoHttpClient };

/** A client with this trust and identity. Throws where Deno has no way to do what is asked. */
function clientFor(tls: ClientTls | undefined, proxy?: DenoProxy): DenoHttpClient {
  if (tls?.verify === false) {
    throw new Error(UNVERIFIED);
  }
  if (tls?.serverName !== undefined) {
    throw new Error("Deno cannot check a certificate for another name than the address: server_name is not available");
  }
  return deno.createHttpClient({
    allowHost: true,
    http2: false,
    ...(proxy === undefined ? undefined : { proxy }),
    ...(tls?.ca === undefined ? undefined : { caCerts: [tls.ca] }),
    ...(tls?.cert === undefined || tls.key === undefined ? undefined : { cert: tls.cert, key: tls.key }),
  });
}

/** Where Deno looks for proxies. */
const PROXY_KEYS = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].flatMap((key) => [key, key.toLowerCase()]);

/**
 * A fetch of its own connections. It follows no redirect and has no time-out of its own; the answer is decompressed.
 */
function clientFetch(tls: ClientTls, proxyOf?: ProxyOf): Fetch {
  const clients = new Map<string | undefined, DenoHttpClient>();
  // What cannot be done is said when the fetch is made, not with its first request.
  clientFor(tls).close();
  const clientOf = (input: string): DenoHttpClient => {
    const proxy = proxyOf?.(input);
    const { protocol, hostname, port } = new URL(input);
    const direct = {
      transport: "tcp",
      hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(port) || (protocol === "https:" ? 443 : 80),
    } as const;
    // Without a word about it Deno would take a proxy from the environment, for this machine too.
    const via = proxy !== undefined ? { url: proxy } : PROXY_KEYS.some((key) => process.env[key]) ? direct : undefined;
    const key = JSON.stringify(via);
    let client = clients.get(key);
    if (client === undefined) {
      client = clientFor(tls, via);
      clients.set(key, client);
    }
    return client;
  };
  return async (input, init) => fetch(input, { ...init, redirect: "manual", client: clientOf(input) } as DenoInit);
}

async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<CommandResult> {
  signal.throwIfAborted();
  const pipes = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const child = new deno.Command(command, { args, env: { ...env }, clearEnv: true, ...pipes }).spawn();
  let ended = false;
  const aborted = Promise.withResolvers<never>();
  // A child that outlives the program may hold the pipes open: the abort does not wait for them.
  const stop = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const exited = child.status.then(({ code }) => {
    ended = true;
    return code;
  });
  try {
    const output = Promise.all([readOutput(child.stdout), readOutput(child.stderr), exited]);
    const [stdout, stderr, code] = await Promise.race([output, aborted.promise]);
    return { code, stdout, stderr };
  } finally {
    signal.removeEventListener("abort", stop);
    if (!ended) child.kill("SIGKILL");
  }
}

/** Deno: what the core modules are given of it. */
export const denoRuntime: Runtime = {
  name: "deno",
  env: process.env,
  files: nodeFiles,
  modules: nodeModules,
  clientFetch,
  dial: (tls) => (tls === undefined ? nodeDial() : dialTls(tls)),
  run,
};
