import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { Fetch, ProxyOf } from "../fetch.ts";
import { nodeFiles } from "../node/files.ts";
import { nodeDial } from "../node/streams.ts";
import { readOutput } from "../output.ts";
import type { CommandResult } from "../process.ts";
import type { Runtime } from "../runtime.ts";
import type { ClientTls } from "../tls.ts";
import { bunDial } from "./dial.ts";
import { bunModules } from "./modules.ts";

/** Options of Bun's fetch that its types leave out. */
type BunInit = Omit<BunFetchRequestInit, "proxy"> & { timeout?: false; proxy: string | false };

/** Node's own check, with the names the certificate has in the message: Bun's default error does not tell them. */
function checkNames(expected: string, certificate: PeerCertificate): Error | undefined {
  if (checkServerIdentity(expected, certificate) === undefined) return undefined;
  const common = certificate.subject?.CN;
  const named = certificate.subjectaltname ?? (Array.isArray(common) ? common.join(", ") : common) ?? "none";
  const names = named.replace(/\b(?:DNS|IP Address):/g, "");
  const error = new Error(`certificate is for other names: ${names}, not ${expected}`);
  return Object.assign(error, { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
}

/** Trust and identity in Bun's words. */
function tlsOptions(tls: ClientTls): BunFetchRequestInitTLS {
  return {
    rejectUnauthorized: tls.verify,
    ca: tls.ca,
    cert: tls.cert,
    key: tls.key,
    serverName: tls.serverName,
    checkServerIdentity: (host: string, certificate: PeerCertificate) =>
      tls.verify ? checkNames(tls.serverName ?? host, certificate) : undefined,
  } as BunFetchRequestInitTLS;
}

/**
 * A fetch of its own connections, so that what a certificate or a CA allowed never serves another cluster. It follows
 * no redirect and has no time-out of its own; the answer is decompressed.
 */
function clientFetch(tls: ClientTls, proxyOf?: ProxyOf): Fetch {
  const session = new Bun.FetchSession({ tls: tlsOptions(tls) });
  return async (input, init) => {
    // Without a word about it Bun would take a proxy from the environment, for this machine too.
    const proxy = proxyOf?.(input) ?? false;
    const options: BunInit = { ...init, redirect: "manual", timeout: false, proxy };
    return session.fetch(input, options as BunFetchRequestInit);
  };
}

async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<CommandResult> {
  signal.throwIfAborted();
  const child = Bun.spawn([command, ...args], { env: { ...env }, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const aborted = Promise.withResolvers<never>();
  // A child that outlives the program may hold the pipes open: the abort does not wait for them.
  const stop = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const output = Promise.all([readOutput(child.stdout), readOutput(child.stderr), child.exited]);
    const [stdout, stderr, code] = await Promise.race([output, aborted.promise]);
    return { code, stdout, stderr };
  } finally {
    signal.removeEventListener("abort", stop);
    if (child.exitCode === null) child.kill("SIGKILL");
  }
}

/** The same trust and identity for node:tls, for a connection to `host`. */
const nodeTls = (tls: ClientTls) => (host: string) => {
  const name = tls.serverName ?? host;
  return {
    rejectUnauthorized: tls.verify,
    ca: tls.ca,
    cert: tls.cert,
    key: tls.key,
    // An address is no server name (RFC 6066 section 3).
    servername: isIP(name) === 0 ? name : "",
    // Bun's default error does not name the certificate's names.
    checkServerIdentity: (_host: string, certificate: PeerCertificate) => checkNames(name, certificate),
  };
};

/** Bun: what the core modules are given of it. */
export const bunRuntime: Runtime = {
  name: "bun",
  env: process.env,
  files: nodeFiles,
  modules: bunModules,
  clientFetch,
  dial: (tls) => nodeDial(tls && nodeTls(tls)),
  dialHttp: bunDial,
  run,
};
