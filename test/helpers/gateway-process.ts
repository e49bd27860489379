import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endingWithUs } from "./child.ts";
import { until } from "./wait.ts";

/** The program as a user starts it. */
export const MAIN: string = join(import.meta.dir, "../../src/main.ts");

/** How `bun run gateway` starts it. */
export const PROGRAM: readonly string[] = [process.execPath, "--no-install", MAIN];

/** Milliseconds a stop may take: the default `drain` of 10 s and a little. */
const STOP_MS = 15_000;

const READY = /^podway ready on (\S+)(?: \(admin (\S+)\))?/;

export interface GatewayOptions {
  /** The config file's text, or an object that is written as JSON. Let it listen on port 0. */
  config: string | object;
  /** Where that stands already, if it is not to be written beside the other files. */
  configFile?: string;
  /**
   * More environment; what would make the gateway find a cluster of the machine's own is left out of it. Bun's limit on
   * requests in flight is raised as `bun run gateway` raises it.
   */
  env?: Record<string, string>;
  /** More files beside the config, by name. */
  files?: Record<string, string>;
  /** More of the command line, after `--config FILE`. */
  args?: readonly string[];
  /** What is put before the command: a program that enters a network namespace, say, and becomes the gateway. */
  prefix?: readonly string[];
  /** The program and what comes before its own options. @default this Bun with src/main.ts */
  command?: readonly string[];
  /** Milliseconds until the ready line. @default 60000 */
  timeout?: number;
}

/** A gateway that runs as a process of its own, and all that a user could see of it. */
export interface GatewayProcess extends AsyncDisposable {
  /** From the ready line, without a slash at the end. */
  readonly url: string;
  readonly adminUrl: string;
  readonly pid: number;
  /** The folder its config file is in. */
  readonly folder: string;
  readonly configFile: string;
  /** Lines, as far as they have come. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** A request through the gateway. Redirects are not followed. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** A GET of the admin API. */
  admin(path: string): Promise<Response>;
  signal(name: NodeJS.Signals): void;
  /** SIGTERM; resolves with the exit code. A gateway that does not go is killed, and that is an error. */
  stop(): Promise<number>;
}

/** The outcome of a command that ran to its end. */
export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

/** An environment in which the gateway finds no cluster but the one its config names. */
function cleanEnvironment(more: Record<string, string> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !/^(KUBERNETES_|KUBECONFIG$)/.test(entry[0]),
  );
  return { BUN_CONFIG_MAX_HTTP_REQUESTS: "65336", ...Object.fromEntries(kept), ...more };
}

async function collectLines(stream: ReadableStream<Uint8Array>, lines: string[]): Promise<void> {
  const decoder = new TextDecoder();
  let open = "";
  for await (const chunk of stream) {
    const parts = (open + decoder.decode(chunk, { stream: true })).split("\n");
    open = parts.pop()!;
    lines.push(...parts);
  }
  if (open !== "") lines.push(open);
}

/** Runs a command of the program, such as `["nodes", "default/web:http"]`, to its end. */
export async function runCommand(args: readonly string[], env?: Record<string, string>): Promise<Finished> {
  const child = Bun.spawn([...PROGRAM, ...args], {
    env: cleanEnvironment(env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, stdout, stderr };
}

/**
 * Starts the gateway with this config in a new temporary folder and waits for its ready line. When it exits or stays
 * silent instead, the error holds what it wrote.
 */
export async function startGateway(options: GatewayOptions): Promise<GatewayProcess> {
  const folder = await mkdtemp(join(tmpdir(), "podway-gateway-"));
  const configFile = options.configFile ?? join(folder, "gateway.yaml");
  const { config } = options;
  if (options.configFile === undefined) {
    await writeFile(configFile, typeof config === "string" ? config : JSON.stringify(config, null, 2));
  }
  for (const [name, text] of Object.entries(options.files ?? {})) await writeFile(join(folder, name), text);

  const program = options.command ?? PROGRAM;
  const child = Bun.spawn(
    endingWithUs([...(options.prefix ?? []), ...program, "--config", configFile, ...(options.args ?? [])]),
    {
      cwd: folder,
      env: cleanEnvironment(options.env),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const stdout: string[] = [];
  const stderr: string[] = [];
  const output = Promise.all([collectLines(child.stdout, stdout), collectLines(child.stderr, stderr)]);
  const written = (): string => [...stdout, ...stderr].slice(-40).join("\n");

  const end = async (signal: NodeJS.Signals): Promise<number> => {
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    const code = await child.exited;
    clearTimeout(timer);
    await output;
    await rm(folder, { recursive: true, force: true });
    if (child.signalCode === "SIGKILL" && signal !== "SIGKILL") {
      throw new Error(`The gateway was still there ${STOP_MS} ms after ${signal}:\n${written()}`);
    }
    return code;
  };

  let ready: RegExpExecArray;
  try {
    ready = await until(
      () => {
        const line = stdout.map((text) => READY.exec(text)).find((match) => match !== null);
        return line ?? (child.exitCode === null && child.signalCode === null ? undefined : "gone");
      },
      { timeout: options.timeout ?? 60_000, message: () => `no ready line\n${written()}` },
    ).then((found) => {
      if (found === "gone") throw new Error(`The gateway ended with exit code ${child.exitCode}:\n${written()}`);
      return found;
    });
  } catch (error) {
    await end("SIGKILL");
    throw error;
  }

  const url = ready[1]!;
  const adminUrl = ready[2] ?? "";
  let stopped: Promise<number> | undefined;
  const stop = (): Promise<number> => {
    stopped ??= end("SIGTERM");
    return stopped;
  };
  return {
    url,
    adminUrl,
    pid: child.pid,
    folder,
    configFile,
    stdout,
    stderr,
    fetch: (path, init) => fetch(url + path, { redirect: "manual", ...init }),
    admin: (path) => fetch(adminUrl + path),
    signal: (name) => child.kill(name),
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}
