import { parse } from "yaml";
import type { Clock } from "../base/clock.ts";
import { tooDeepAt } from "../base/nesting.ts";
import type { Files } from "../platform/files.ts";
import type { Env, RunCommand } from "../platform/process.ts";
import type { ClientTls } from "../platform/tls.ts";
import type { Credentials } from "./connection.ts";
import {
  type ExecConfig,
  type ExecCredentials,
  execCredentials,
  noCredentials,
  tokenCredentials,
  tokenFileCredentials,
} from "./credentials.ts";
import { shorten } from "./errors.ts";
import { kubeconfigPaths } from "./kubeconfig-paths.ts";

export interface KubeconfigOptions {
  /** @default the file's `current-context` */
  readonly context?: string | undefined;
  readonly files: Files;
  readonly run: RunCommand | undefined;
  readonly env: Env;
  readonly clock: Clock;
}

/** One context of a kubeconfig, ready to use. */
export interface Kubeconfig {
  /** Without a slash at its end. */
  readonly server: string;
  readonly tls: ClientTls;
  /** `proxy-url`: the forward proxy to the server. */
  readonly proxy: string | undefined;
  readonly credentials: Credentials;
  /** Set where an `exec` plugin is used: it may also give the client certificate. */
  readonly exec: ExecCredentials | undefined;
  /** The context's namespace. */
  readonly namespace: string | undefined;
  /** Files that were named and read, absolute: a change of one asks for reading all again. */
  readonly paths: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {});

/** A text that is set and not empty. Throws for something else than a text. */
function text(fields: Fields, key: string, where: string): string | undefined {
  const value = fields[key];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw new Error(`kubeconfig: ${where} ${key} must be a text`);
  return value;
}

/** Joins a path from the file to the file's folder; absolute ones stay. */
export function resolvePath(baseDir: string, path: string): string {
  if (/^(?:[A-Za-z]:)?[\\/]/.test(path)) return path;
  return baseDir === "" ? path : `${baseDir.replace(/[\\/]+$/, "")}/${path.replace(/^\.\//, "")}`;
}

/** A text's UTF-8 as base64. */
function base64(value: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(value)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Base64 of PEM text. */
function decodeData(data: string, where: string): string {
  try {
    const bytes = Uint8Array.from(atob(data.replace(/\s+/g, "")), (character) => character.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  } catch {
    throw new Error(`kubeconfig: ${where} is not base64`);
  }
}

/** An entry of one of the three lists, with the folder its relative paths start from: that of its file. */
interface Entry {
  readonly name: string;
  readonly fields: Fields;
  readonly baseDir: string;
}

/** What one or several files say together. */
interface Merged {
  currentContext: string | undefined;
  readonly contexts: Entry[];
  readonly clusters: Entry[];
  readonly users: Entry[];
}

const LISTS = ["contexts", "clusters", "users"] as const;

/** A kubeconfig as it was read. */
export interface KubeconfigFile {
  readonly text: string;
  /** The folder relative paths in the file start from: that of the file. */
  readonly baseDir: string;
}

/**
 * Several files as one, as kubectl merges those that KUBECONFIG lists: the first that says something wins, entry by
 * entry.
 * https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
 */
function merge(sources: readonly KubeconfigFile[]): Merged {
  const merged: Merged = { currentContext: undefined, contexts: [], clusters: [], users: [] };
  for (const { text: source, baseDir } of sources) {
    let root: Fields;
    try {
      if (tooDeepAt(source) !== undefined) throw new Error("too deep");
      root = fieldsOf(parse(source));
    } catch {
      // The parser's message shows the line it failed at, and that may hold a token.
      throw new Error("kubeconfig: it is not valid YAML");
    }
    merged.currentContext ??= text(root, "current-context", "the file's");
    for (const list of LISTS) {
      for (const entry of (Array.isArray(root[list]) ? root[list] : []).map(fieldsOf)) {
        const name = String(entry.name);
        if (merged[list].some((known) => known.name === name)) continue;
        merged[list].push({ name, fields: fieldsOf(entry[list.slice(0, -1)]), baseDir });
      }
    }
  }
  return merged;
}

/** The entry of that name in one of the three lists, or an error that names those there are. */
function find(merged: Merged, list: (typeof LISTS)[number], name: string, wantedBy: string): Entry {
  const entries = merged[list];
  const entry = entries.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const names = entries.map((candidate) => shorten(candidate.name, 80));
  const there = names.length === 0 ? `it has no ${list}` : `it has ${names.join(", ")}`;
  throw new Error(`kubeconfig: no ${list.slice(0, -1)} "${shorten(name, 80)}"${wantedBy}: ${there}`);
}

/** What users have from other days and we do not do, each refused by name rather than ignored. */
const REFUSED_USER_KEYS = ["username", "password", "auth-provider", "as", "as-uid", "as-groups", "as-user-extra"];

function refuse(fields: Fields, keys: readonly string[], where: string): void {
  for (const key of keys) {
    if (fields[key] === undefined || fields[key] === null || fields[key] === "") continue;
    throw new Error(`kubeconfig: ${where} uses ${key}, which is not supported`);
  }
}

const EXEC_VERSIONS = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

function readExec(exec: Fields, where: string, baseDir: string, cluster: () => Fields): ExecConfig {
  const apiVersion = text(exec, "apiVersion", where) ?? "";
  if (!EXEC_VERSIONS.includes(apiVersion)) {
    throw new Error(
      `kubeconfig: ${where} exec apiVersion "${shorten(apiVersion, 80)}" is not one of ${EXEC_VERSIONS.join(", ")}`,
    );
  }
  const command = text(exec, "command", where);
  if (command === undefined) throw new Error(`kubeconfig: ${where} exec has no command`);
  if (exec.interactiveMode === "Always") {
    throw new Error(
      `kubeconfig: ${where} exec plugin ${command} wants a terminal (interactiveMode: Always); a gateway has none`,
    );
  }
  const env = (Array.isArray(exec.env) ? exec.env : []).map(fieldsOf).map((entry) => [entry.name, entry.value ?? ""]);
  return {
    apiVersion,
    command: /[\\/]/.test(command) ? resolvePath(baseDir, command) : command,
    args: (Array.isArray(exec.args) ? exec.args : []).map(String),
    env: Object.fromEntries(env.map(([name, value]) => [String(name), String(value)])),
    installHint: text(exec, "installHint", where),
    cluster: exec.provideClusterInfo === true ? cluster() : undefined,
  };
}

/**
 * Reads one context of a kubeconfig, or of several taken as one. Errors name the context, cluster or user that is
 * missing and those there are; none holds a secret.
 * https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */
export async function readKubeconfig(
  sources: readonly KubeconfigFile[],
  options: KubeconfigOptions,
): Promise<Kubeconfig> {
  const { files } = options;
  const merged = merge(sources);
  const contextName = options.context ?? merged.currentContext;
  if (contextName === undefined) throw new Error("kubeconfig: no current-context is set, and no context was named");
  const context = find(merged, "contexts", contextName, "").fields;
  const clusterName = text(context, "cluster", `context "${contextName}"`);
  if (clusterName === undefined) throw new Error(`kubeconfig: context "${contextName}" names no cluster`);
  const wantedBy = ` (named by context "${contextName}")`;
  const ofCluster = find(merged, "clusters", clusterName, wantedBy);
  const cluster = ofCluster.fields;
  const userName = text(context, "user", `context "${contextName}"`);
  const ofUser = userName === undefined ? { fields: {}, baseDir: "" } : find(merged, "users", userName, wantedBy);
  const user: Fields = ofUser.fields;
  const inCluster = `cluster "${clusterName}"`;
  const inUser = `user "${userName}"`;
  refuse(user, REFUSED_USER_KEYS, inUser);

  const paths: string[] = [];
  /** PEM from `key-data` (which wins, as in kubectl) or from the file that `key` names. */
  const pem = async (
    { fields, baseDir }: Pick<Entry, "fields" | "baseDir">,
    key: string,
    where: string,
  ): Promise<string | undefined> => {
    const data = text(fields, `${key}-data`, where);
    if (data !== undefined) return decodeData(data, `${where} ${key}-data`);
    const file = text(fields, key, where);
    if (file === undefined) return undefined;
    const path = resolvePath(baseDir, file);
    paths.push(path);
    return files.readText(path);
  };

  const server = text(cluster, "server", inCluster);
  if (server === undefined || !/^https?:\/\//i.test(server) || !URL.canParse(server)) {
    throw new Error(`kubeconfig: ${inCluster} server must be a URL such as https://10.0.0.1:6443`);
  }
  const tls: ClientTls = {
    verify: cluster["insecure-skip-tls-verify"] !== true,
    ca: await pem(ofCluster, "certificate-authority", inCluster),
    cert: await pem(ofUser, "client-certificate", inUser),
    key: await pem(ofUser, "client-key", inUser),
    serverName: text(cluster, "tls-server-name", inCluster),
  };
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new Error(`kubeconfig: ${inUser} needs both client-certificate and client-key`);
  }

  const proxy = text(cluster, "proxy-url", inCluster);
  // Refused now, by the key's name: it would fail with each request.
  if (proxy !== undefined && !/^https?:\/\//i.test(proxy)) {
    throw new Error(`kubeconfig: ${inCluster} proxy-url must be an http or https URL: other proxies are not supported`);
  }

  const readUser = (): { credentials: Credentials; exec: ExecCredentials | undefined } => {
    // The order of client-go: a token file before a token, a token before a plugin.
    const tokenFile = text(user, "tokenFile", inUser);
    if (tokenFile !== undefined) {
      const path = resolvePath(ofUser.baseDir, tokenFile);
      paths.push(path);
      return { credentials: tokenFileCredentials({ path, files, clock: options.clock }), exec: undefined };
    }
    const token = text(user, "token", inUser);
    if (token !== undefined) return { credentials: tokenCredentials(token), exec: undefined };
    if (user.exec === undefined || user.exec === null) return { credentials: noCredentials, exec: undefined };
    const { run, env, clock } = options;
    const exec = readExec(fieldsOf(user.exec), inUser, ofUser.baseDir, () => ({
      server,
      "insecure-skip-tls-verify": tls.verify ? undefined : true,
      "tls-server-name": tls.serverName,
      "proxy-url": proxy,
      "certificate-authority-data": tls.ca === undefined ? undefined : base64(tls.ca),
    }));
    if (run === undefined) {
      throw new Error(`kubeconfig: ${inUser} uses exec plugin ${exec.command}: programs cannot be run here`);
    }
    const credentials = execCredentials({ exec, run, env, clock });
    return { credentials, exec: credentials };
  };

  return {
    server: server.replace(/\/+$/, ""),
    tls,
    proxy,
    ...readUser(),
    namespace: text(context, "namespace", `context "${contextName}"`),
    paths,
  };
}

/** The folder of a path; "" for one without. */
const folderOf = (path: string): string => (/[\\/]/.test(path) ? path.replace(/[\\/][^\\/]*$/, "") || "/" : "");

/**
 * Reads the context of a `kubeconfig` key: the one file it names, or several merged. Of several, those that do not
 * exist are passed over, as kubectl does. `paths` of the result has them all.
 */
export async function openKubeconfig(path: string, options: KubeconfigOptions): Promise<Kubeconfig> {
  const named = kubeconfigPaths(path);
  const { files } = options;
  const there: string[] = [];
  for (const one of named) if (named.length === 1 || (await files.exists(one))) there.push(one);
  if (there.length === 0) throw new Error(`kubeconfig: none of ${named.join(", ")} exists`);
  const sources = await Promise.all(
    there.map(async (one) => ({ text: await files.readText(one), baseDir: folderOf(one) })),
  );
  const found = await readKubeconfig(sources, options);
  return { ...found, paths: [...named, ...found.paths] };
}
