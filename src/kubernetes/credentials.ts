import type { Clock } from "../base/clock.ts";
import type { Files } from "../platform/files.ts";
import type { Env, RunCommand } from "../platform/process.ts";
import type { Credentials } from "./connection.ts";
import { shorten } from "./errors.ts";

/** A token file is read again when what we know is older than this: kubelet rotates tokens long before they expire. */
const TOKEN_FILE_AGE_MS = 60_000;

/** No credentials: the connection's client certificate, or nothing, says who we are. */
export const noCredentials: Credentials = {
  authorization: async () => undefined,
  rejected: () => {},
  changed: () => {},
};

/** `Authorization` of a bearer token. Throws for a text that cannot be one, without showing it. */
function bearer(token: string, from: string): string {
  const text = token.trim();
  if (text === "") throw new Error(`the token ${from} is empty`);
  if (!/^[\x21-\x7e]+$/.test(text)) throw new Error(`the token ${from} has characters that no token has`);
  return `Bearer ${text}`;
}

/** A fixed bearer token; white space around it is dropped. */
export function tokenCredentials(token: string): Credentials {
  return { ...noCredentials, authorization: async () => bearer(token, "in the configuration") };
}

interface Known<T> {
  value: T;
  /** Milliseconds since the epoch. */
  expires: number;
  /** The apiserver refused it: it is no longer worth keeping. */
  refused: boolean;
}

/**
 * A value that is read when it is asked for and too old, one read at a time. A read that fails leaves the old value in
 * use (a file that is being replaced must not stop a token that works) unless the apiserver has refused that.
 */
function createCached<T>(clock: Clock, read: () => Promise<{ value: T; expires: number }>) {
  let known: Known<T> | undefined;
  let reading: Promise<T> | undefined;
  const refresh = async (): Promise<T> => {
    try {
      known = { ...(await read()), refused: false };
      return known.value;
    } catch (error) {
      if (known === undefined || known.refused) throw error;
      return known.value;
    } finally {
      reading = undefined;
    }
  };
  return {
    get(): Promise<T> {
      if (known !== undefined && !known.refused && clock.now() < known.expires) return Promise.resolve(known.value);
      reading ??= refresh();
      return reading;
    },
    refuse(): void {
      if (known !== undefined) known.refused = true;
    },
    expire(): void {
      if (known !== undefined) known.expires = 0;
    },
  };
}

/** A bearer token in a file, as Kubernetes mounts it: read every minute, when it changed and after a 401; trimmed. */
export function tokenFileCredentials(options: { path: string; files: Files; clock: Clock }): Credentials {
  const { path, files, clock } = options;
  const cached = createCached(clock, async () => {
    const value = bearer(await files.readText(path), `file ${path}`);
    return { value, expires: clock.now() + TOKEN_FILE_AGE_MS };
  });
  return { authorization: () => cached.get(), rejected: () => cached.refuse(), changed: () => cached.expire() };
}

/** A kubeconfig's `exec` block, checked. */
export interface ExecConfig {
  readonly apiVersion: string;
  /** A bare name is looked up in PATH; else a path. */
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the environment the gateway has. */
  readonly env: Readonly<Record<string, string>>;
  /** How to install the command, shown when it cannot be run. */
  readonly installHint: string | undefined;
  /** `spec.cluster` of what the plugin gets, where `provideClusterInfo` is set. */
  readonly cluster: Readonly<Record<string, unknown>> | undefined;
}

/** PEM texts of a client certificate. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Credentials that a program prints; they may hold a client certificate instead of, or beside, a token. */
export interface ExecCredentials extends Credentials {
  /** Runs the plugin when needed, as `authorization()` does. */
  certificate(): Promise<ClientCertificate | undefined>;
}

export interface ExecOptions {
  readonly exec: ExecConfig;
  readonly run: RunCommand;
  readonly env: Env;
  readonly clock: Clock;
}

/** A plugin that talks to a login service may be slow, but it must not hold discovery for ever. */
const EXEC_TIMEOUT_MS = 60_000;

/** Asked for again this long before it expires, so that no request leaves with a dead token. */
const EXPIRY_MARGIN_MS = 10_000;

interface ExecStatus {
  token?: unknown;
  expirationTimestamp?: unknown;
  clientCertificateData?: unknown;
  clientKeyData?: unknown;
}

/** Reads what a plugin printed. No error repeats the text: it holds a secret. */
function readExecCredential(stdout: string, exec: ExecConfig): ExecStatus {
  let parsed: { apiVersion?: unknown; kind?: unknown; status?: unknown };
  try {
    parsed = Object(JSON.parse(stdout));
  } catch {
    throw new Error(`exec plugin ${exec.command} did not print JSON`);
  }
  if (parsed.kind !== "ExecCredential") throw new Error(`exec plugin ${exec.command} did not print an ExecCredential`);
  if (parsed.apiVersion !== exec.apiVersion) {
    const got = shorten(JSON.stringify(parsed.apiVersion) ?? "(none)", 60);
    throw new Error(`exec plugin ${exec.command} answered with apiVersion ${got}, not ${exec.apiVersion}`);
  }
  return Object(parsed.status);
}

/**
 * Credentials from a kubeconfig's `exec` plugin (client.authentication.k8s.io/v1 and v1beta1). The program runs at the
 * first request, again shortly before `expirationTimestamp`, and after a 401.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export function execCredentials(options: ExecOptions): ExecCredentials {
  const { exec, run, env, clock } = options;
  const info = {
    apiVersion: exec.apiVersion,
    kind: "ExecCredential",
    spec: { interactive: false, ...(exec.cluster === undefined ? {} : { cluster: exec.cluster }) },
  };

  const runPlugin = async (): Promise<ExecStatus> => {
    const own = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const environment = { ...Object.fromEntries(own), ...exec.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
    const hint = exec.installHint === undefined ? "" : `. ${shorten(exec.installHint)}`;
    const controller = new AbortController();
    const cancel = clock.after(EXEC_TIMEOUT_MS, () => controller.abort(new Error("it took too long")));
    const result = await run(exec.command, exec.args, environment, controller.signal)
      .catch((error: unknown) => {
        const why = shorten(error instanceof Error ? error.message : String(error));
        throw new Error(`exec plugin ${exec.command} could not be run: ${why}${hint}`);
      })
      .finally(cancel);
    if (result.code !== 0) {
      const said = result.stderr.trim() === "" ? "" : `: ${shorten(result.stderr)}`;
      throw new Error(`exec plugin ${exec.command} ended with exit code ${result.code}${said}${hint}`);
    }
    return readExecCredential(result.stdout, exec);
  };

  const cached = createCached(clock, async () => {
    const { token, expirationTimestamp, clientCertificateData, clientKeyData } = await runPlugin();
    const expiry = typeof expirationTimestamp === "string" ? Date.parse(expirationTimestamp) : Number.NaN;
    const certificate: ClientCertificate | undefined =
      typeof clientCertificateData === "string" && typeof clientKeyData === "string"
        ? { cert: clientCertificateData, key: clientKeyData }
        : undefined;
    const authorization =
      typeof token === "string" && token !== "" ? bearer(token, `of exec plugin ${exec.command}`) : undefined;
    if (authorization === undefined && certificate === undefined) {
      throw new Error(`exec plugin ${exec.command} gave neither a token nor a client certificate with its key`);
    }
    return {
      value: { authorization, certificate },
      expires: Number.isNaN(expiry) ? Number.POSITIVE_INFINITY : expiry - EXPIRY_MARGIN_MS,
    };
  });
  return {
    authorization: async () => (await cached.get()).authorization,
    certificate: async () => (await cached.get()).certificate,
    rejected: () => cached.refuse(),
    // No file shows that a plugin has other credentials: it runs again before its credentials expire and after a 401.
    changed: () => {},
  };
}
