import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../src/cli/run.ts";
import { bunHost } from "../../src/platform/bun/host.ts";
import { bunRuntime } from "../../src/platform/bun/runtime.ts";
import type { Host } from "../../src/platform/host.ts";
import type { Signal } from "../../src/platform/process.ts";
import { until } from "../helpers/wait.ts";

/** What a command may find around it, instead of what this machine has. */
export interface WorldOptions {
  readonly env?: Record<string, string>;
  /** Whether standard error is a terminal. @default false */
  readonly terminal?: boolean;
}

/** A process around a command, whose output and signals are a test's. Its sockets are real. */
export interface World {
  readonly host: Host;
  readonly stdout: string[];
  readonly stderr: string[];
  /** Ports that were listened on, in order. */
  readonly ports: readonly number[];
  signal(name: Signal): void;
  /** Runs a command line; the exit code. */
  run(...argv: string[]): Promise<number>;
}

/** Makes a world without a cluster of its own. */
export function world({ env = {}, terminal = false }: WorldOptions = {}): World {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const ports: number[] = [];
  const handlers = new Set<(signal: Signal) => void>();
  const host: Host = {
    ...bunHost,
    env,
    terminal,
    stdout: (line) => void stdout.push(line),
    stderr: (line) => void stderr.push(line),
    write: (lines) => void stdout.push(...lines.trimEnd().split("\n")),
    async listenStream(address, handlers, options) {
      const listener = await bunHost.listenStream(address, handlers, options);
      ports.push(listener.port);
      return listener;
    },
    // What a test leaves uncaught is the test's fault.
    onFault: () => () => {},
    onSignal(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
  return {
    host,
    stdout,
    stderr,
    ports,
    signal: (name) => {
      for (const handler of handlers) handler(name);
    },
    run: (...argv) => run(argv, { runtime: { ...bunRuntime, env }, host }),
  };
}

/** A served gateway inside the test's own process: the whole program, without the price of a process for each test. */
export interface ServedGateway extends AsyncDisposable {
  readonly url: string;
  readonly adminUrl: string;
  readonly folder: string;
  readonly configFile: string;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** A request through the gateway; redirects are not followed. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** JSON of the admin API. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
  admin(path: string): Promise<any>;
  writeConfig(config: string | object): Promise<void>;
  signal(name: Signal): void;
  /** SIGTERM; the exit code. */
  stop(): Promise<number>;
  /** The exit code, once it ended. */
  readonly ended: Promise<number>;
}

const READY = /^podway ready on (\S+)(?: \(admin (\S+)\))?(?:; waiting for .+)?$/;

/** Both listeners on ports of the system's choice, whatever else the config says. */
function withPorts(config: object): object {
  const given = config as { server?: object; admin?: object | false };
  return {
    ...config,
    server: { listen: "127.0.0.1:0", ...given.server },
    admin: given.admin === false ? false : { listen: "127.0.0.1:0", ...given.admin },
  };
}

const textOf = (config: string | object): string =>
  typeof config === "string" ? config : JSON.stringify(withPorts(config), null, 2);

export interface ServeOptions extends WorldOptions {
  /** `configmap`: the file is laid out and replaced as kubelet does with a mounted ConfigMap. @default "file" */
  readonly layout?: "file" | "configmap";
  /** What is waited for: the ready line, or only that it listens. @default "ready" */
  readonly until?: "ready" | "listening";
}

/** Writes a folder the way kubelet does: the data in a new folder, then one rename of a symlink. */
async function swapConfigMap(folder: string, text: string, turn: number): Promise<void> {
  await mkdir(join(folder, `..data_${turn}`));
  await writeFile(join(folder, `..data_${turn}`, "gateway.yaml"), text);
  await symlink(`..data_${turn}`, join(folder, "..data_tmp"));
  await rename(join(folder, "..data_tmp"), join(folder, "..data"));
  if (turn === 1) await symlink(join("..data", "gateway.yaml"), join(folder, "gateway.yaml"));
  else await rm(join(folder, `..data_${turn - 1}`), { recursive: true });
}

/** Serves a config (its ports are filled in where it is an object) and waits for the ready line. */
export async function serve(config: string | object, options: ServeOptions = {}): Promise<ServedGateway> {
  const folder = await mkdtemp(join(tmpdir(), "podway-served-"));
  const configFile = join(folder, "gateway.yaml");
  let turn = 0;
  const writeConfig = (next: string | object): Promise<void> =>
    options.layout === "configmap" ? swapConfigMap(folder, textOf(next), ++turn) : writeFile(configFile, textOf(next));
  await writeConfig(config);
  const { stdout, stderr, ports, signal, run: runCommand } = world(options);
  const ended = runCommand("--config", configFile);
  let code: number | undefined;
  void ended.then((value) => {
    code = value;
  });
  const found = await until(
    () => {
      if (code !== undefined) return "ended";
      if (options.until === "listening") return ports.length === 2 && ports.map((port) => `http://127.0.0.1:${port}`);
      return stdout.map((line) => READY.exec(line)?.slice(1)).find((urls) => urls !== undefined);
    },
    { interval: 5, message: () => `no ready line\n${[...stdout, ...stderr].join("\n")}` },
  );
  if (found === "ended") throw new Error(`The gateway ended with exit code ${code}:\n${stderr.join("\n")}`);
  const [url = "", adminUrl = ""] = found;
  let stopped: Promise<number> | undefined;
  const stop = (): Promise<number> => {
    stopped ??= (async () => {
      signal("SIGTERM");
      const last = await ended;
      await rm(folder, { recursive: true, force: true });
      return last;
    })();
    return stopped;
  };
  return {
    url,
    adminUrl,
    folder,
    configFile,
    stdout,
    stderr,
    fetch: (path, init) => fetch(url + path, { redirect: "manual", ...init }),
    admin: async (path) => (await fetch(adminUrl + path)).json(),
    writeConfig,
    signal,
    stop,
    ended,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

/** A log line with this text in it, as soon as there is one. */
export const logged = (gateway: Pick<ServedGateway, "stderr">, text: string | RegExp): Promise<string> =>
  until(() => gateway.stderr.find((line) => (typeof text === "string" ? line.includes(text) : text.test(line))), {
    message: () => `no log line with ${text}; there are:\n${gateway.stderr.join("\n")}`,
  });

/** A problem answer's code and status, or what came instead of one. */
export async function problemOf(response: Response): Promise<{ status: number; code: string; detail: string }> {
  const text = await response.text();
  if (response.headers.get("content-type") !== "application/problem+json") {
    throw new Error(`Expected a problem, got ${response.status} ${text}`);
  }
  const { code, detail } = JSON.parse(text) as { code: string; detail: string };
  return { status: response.status, code, detail };
}
