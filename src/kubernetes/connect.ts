import type { Clock } from "../base/clock.ts";
import type { ClientFetch } from "../platform/fetch.ts";
import type { Files } from "../platform/files.ts";
import type { Env, RunCommand } from "../platform/process.ts";
import type { ClientTls } from "../platform/tls.ts";
import type { ApiserverConnection, Credentials } from "./connection.ts";
import {
  type ClientCertificate,
  type ExecCredentials,
  noCredentials,
  tokenCredentials,
  tokenFileCredentials,
} from "./credentials.ts";
import { forwardProxy } from "./forward-proxy.ts";
import { openKubeconfig } from "./kubeconfig.ts";
import type { ApiserverAccess, ServiceOptions } from "./options.ts";

export interface ConnectDeps {
  readonly clientFetch: ClientFetch;
  readonly env: Env;
  /** undefined where programs cannot be run: a kubeconfig that names a plugin is then refused. */
  readonly run: RunCommand | undefined;
  /** undefined where there are no files: a cluster that names one is then refused. */
  readonly files: Files | undefined;
  readonly clock: Clock;
}

/** One reading of everything a connection is made of. */
interface Setup {
  server: string;
  tls: ClientTls;
  /** A forward proxy that is named; undefined: the environment's, if there is one. */
  proxy: string | undefined;
  credentials: Credentials;
  exec: ExecCredentials | undefined;
  namespace: string | undefined;
  files: readonly string[];
}

/** `schema://host:port` of a `service` block. */
export function serverUrl(service: ServiceOptions): string {
  const { schema, port } = service;
  if (service.host === undefined) throw new Error("the cluster's service.host is not set");
  const bare = service.host.replace(/^\[|\]$/g, "");
  const host = bare.includes(":") ? `[${bare}]` : bare;
  return `${schema}://${host}:${port ?? (schema === "https" ? 443 : 80)}`;
}

/** `known`: credentials of an earlier reading; they have a token while its file is being replaced. */
async function readSetup(cluster: ApiserverAccess, deps: ConnectDeps, known?: Credentials): Promise<Setup> {
  const { client, service } = cluster;
  const files = (path: string): Files => {
    if (deps.files === undefined) throw new Error(`the file ${path} cannot be read: there are no files here`);
    return deps.files;
  };
  const read = async (path: string | undefined): Promise<string | undefined> =>
    path === undefined ? undefined : files(path).readText(path);

  if (client.kubeconfig !== undefined) {
    const path = client.kubeconfig;
    const { run, env, clock } = deps;
    const found = await openKubeconfig(path, { context: client.context, files: files(path), run, env, clock });
    return { ...found, proxy: service?.proxy ?? found.proxy, files: found.paths };
  }
  if (service === undefined) throw new Error("the cluster has neither a service nor a client.kubeconfig");
  const tls: ClientTls = {
    verify: service.ssl_verify,
    ca: await read(service.ca_file),
    cert: await read(client.cert_file),
    key: await read(client.key_file),
    serverName: service.server_name,
  };
  const credentials =
    client.token !== undefined
      ? tokenCredentials(client.token)
      : client.token_file !== undefined
        ? (known ??
          tokenFileCredentials({ path: client.token_file, files: files(client.token_file), clock: deps.clock }))
        : noCredentials;
  const named = [service.ca_file, client.cert_file, client.key_file, client.token_file];
  return {
    server: serverUrl(service),
    tls,
    proxy: service.proxy,
    credentials,
    exec: undefined,
    namespace: undefined,
    files: named.filter((path) => path !== undefined),
  };
}

const sameTls = (a: ClientTls, b: ClientTls): boolean =>
  a.verify === b.verify && a.ca === b.ca && a.cert === b.cert && a.key === b.key && a.serverName === b.serverName;

/**
 * Opens the way to a cluster's apiserver: reads CA, certificate, key or kubeconfig, and makes a fetch that trusts and
 * identifies accordingly. It sends nothing. Rejects for a file that cannot be read or a kubeconfig that
 * cannot be used.
 */
export async function connect(cluster: ApiserverAccess, deps: ConnectDeps): Promise<ApiserverConnection> {
  let setup = await readSetup(cluster, deps);
  let tls = setup.tls;
  const proxyOf = (url: string): string | undefined => forwardProxy(url, deps.env, setup.proxy);
  let fetch = deps.clientFetch(tls, proxyOf);
  let refreshing: Promise<void> | undefined;

  /** A fetch of its own only when something changed: the old one's connections stay in use otherwise. */
  const use = (next: ClientTls): void => {
    if (sameTls(tls, next)) return;
    fetch = deps.clientFetch(next, proxyOf);
    tls = next;
  };

  const withCertificate = (certificate: ClientCertificate | undefined): ClientTls =>
    certificate === undefined ? setup.tls : { ...setup.tls, ...certificate };

  const reread = async (): Promise<void> => {
    try {
      setup.credentials.changed();
      setup = await readSetup(cluster, deps, setup.credentials);
      // A plugin's certificate is asked for again with the next request.
      if (setup.exec === undefined) use(setup.tls);
    } finally {
      refreshing = undefined;
    }
  };
  const refresh = (): Promise<void> => {
    refreshing ??= reread();
    return refreshing;
  };

  const credentials: Credentials = {
    async authorization() {
      // Only what a 401 started is waited for; if it fails, the credentials we have may still tell why.
      await refreshing?.catch(() => {});
      const { exec } = setup;
      if (exec !== undefined) use(withCertificate(await exec.certificate()));
      return setup.credentials.authorization();
    },
    rejected() {
      setup.credentials.rejected();
      if (setup.files.length > 0) refresh().catch(() => {});
    },
    changed: () => setup.credentials.changed(),
  };

  return {
    get server() {
      return setup.server;
    },
    get fetch() {
      return fetch;
    },
    get namespace() {
      return setup.namespace;
    },
    get givesCa() {
      return setup.tls.ca !== undefined;
    },
    get verifies() {
      return setup.tls.verify;
    },
    get files() {
      return setup.files;
    },
    credentials,
    refresh,
  };
}
