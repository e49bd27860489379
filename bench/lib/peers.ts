import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, freePort, start, startListening } from "./process.ts";
import { CADDYFILE, CERTIFICATE, HAPROXY_CONFIG, KEY, NGINX_CONFIG, type Rival } from "./rivals.ts";

/** What the gateway is measured with. */
export const SERVICES = 10_000;
export const ROUTES = 1000;

/** Where a proxy takes requests, each with a port of its own. */
export interface Ports {
  readonly plain?: number;
  /** Plain, with the access log on. */
  readonly log?: number;
  readonly tls?: number;
}

/** A proxy under test: the program behind each of its ports. */
export interface Peer {
  readonly name: string;
  readonly ports: Ports;
  child(port: keyof Ports): Child;
}

/** What is measured, and the pods and the apiserver behind it. */
export interface Field {
  readonly peers: Peer[];
  readonly pod: Child;
  /** For what the measurements write. */
  readonly folder: string;
  stop(): Promise<void>;
}

const here = import.meta.dir;
const script = (name: string): string => join(here, name);
const installed = (program: string): boolean => Bun.which(program) !== null;

/** As `bun run gateway` starts it; harmless for the others. */
const PRODUCTION = { NODE_ENV: "production", BUN_CONFIG_MAX_HTTP_REQUESTS: "65336" };

/** What one gateway of the field has that the others have not. */
interface Variant {
  readonly accessLog?: boolean;
  readonly workers?: number;
  readonly tls?: boolean;
}

/** Starts the proxies and what is behind them. */
class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), "bench-"));
  readonly children: Child[] = [];
  readonly peers: Peer[] = [];
  backend = 0;
  apiserver = 0;
  pod!: Child;
  #files = 0;

  file(name: string, text: string): string {
    const path = join(this.folder, `${this.#files++}-${name}`);
    writeFileSync(path, text);
    return path;
  }

  async keep(child: Promise<Child>): Promise<Child> {
    this.children.push(await child);
    return child;
  }

  async open(): Promise<void> {
    [this.backend, this.apiserver] = [await freePort(), await freePort()];
    this.pod = await this.keep(start(["bun", script("backend.ts"), String(this.backend)], this.backend));
    const backend = `http://127.0.0.1:${this.backend}`;
    const apiserver = ["bun", script("apiserver.ts"), String(this.apiserver), backend, String(SERVICES)];
    await this.keep(start(apiserver, this.apiserver));
  }

  /** 1,000 routes over 1,000 services of 10,000. */
  async gateway({ accessLog = false, workers, tls = false }: Variant = {}): Promise<Child> {
    const port = await freePort();
    const server = {
      listen: `127.0.0.1:${port}`,
      access_log: accessLog && "json",
      log_level: "error",
      ...(workers === undefined ? {} : { workers }),
      ...(tls ? { tls: { cert_file: CERTIFICATE, key_file: KEY } } : {}),
    };
    const routes = Array.from({ length: ROUTES }, (_, i) => ({
      id: `r${i}`,
      path: `/r${i}`,
      service: `bench/svc-${i}:http`,
    }));
    const kubernetes = {
      service: { schema: "http", host: "127.0.0.1", port: this.apiserver },
      client: { token: "bench" },
      watch_endpoint_slices: true,
    };
    const file = this.file("gateway.yaml", JSON.stringify({ server, admin: false, discovery: { kubernetes }, routes }));
    const command = ["bun", script("../../src/main.ts"), "--config", file];
    const stdout = join(this.folder, `access-${port}.log`);
    return this.keep(start(command, port, { env: PRODUCTION, scheme: tls ? "https" : "http", stdout }));
  }

  add(name: string, children: { readonly [port in keyof Ports]?: Child }): void {
    const entries = Object.entries(children).map(([port, child]) => [port, child.port]);
    this.peers.push({ name, ports: Object.fromEntries(entries), child: (port) => children[port]! });
  }

  /** A program with all its ports in one process. */
  async rival(name: string, config: (rival: Rival) => string, command: (file: string) => string[]): Promise<void> {
    const program = command("")[0]!;
    if (!installed(program)) {
      process.stderr.write(`${name} is left out: ${program} is not installed\n`);
      return;
    }
    const ports = { plain: await freePort(), log: await freePort(), tls: await freePort() };
    const { backend, folder } = this;
    const file = this.file(name, config({ ...ports, backend, folder, routes: ROUTES }));
    const child = await this.keep(startListening(command(file), ports.plain));
    this.peers.push({ name, ports, child: () => child });
  }

  /** A program that takes its port and the pod's URL as arguments. */
  async proxy(name: string, program: string, file: string, more: string[] = []): Promise<Child | undefined> {
    if (!installed(program)) {
      process.stderr.write(`${name} is left out: ${program} is not installed\n`);
      return undefined;
    }
    const port = await freePort();
    const command = [program, script(file), String(port), `http://127.0.0.1:${this.backend}`, ...more];
    return this.keep(start(command, port, { env: PRODUCTION, scheme: more.length > 0 ? "https" : "http" }));
  }

  async stop(): Promise<void> {
    for (const child of this.children.toReversed()) await child.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function withStage(fill: (stage: Stage) => Promise<void>): Promise<Field> {
  const stage = new Stage();
  try {
    await stage.open();
    await fill(stage);
  } catch (error) {
    await stage.stop();
    throw error;
  }
  return stage;
}

/** Starts gateways that differ in the number of their workers only. */
export const startWorkers = (counts: readonly number[]): Promise<Field> =>
  withStage(async (stage) => {
    for (const workers of counts) stage.add(String(workers), { plain: await stage.gateway({ workers }) });
  });

/**
 * Starts the gateway and its peers, as far as they are installed. `few`: the gateway without log and TLS, bare Bun and
 * nginx; `all`: those of other kinds too.
 */
export const startField = ({ few, all }: { readonly few: boolean; readonly all: boolean }): Promise<Field> =>
  withStage(async (stage) => {
    stage.add("podway", {
      plain: await stage.gateway(),
      ...(few ? {} : { log: await stage.gateway({ accessLog: true }), tls: await stage.gateway({ tls: true }) }),
    });
    await stage.rival("nginx", NGINX_CONFIG, (file) => ["nginx", "-c", file]);
    const bare = { plain: await stage.proxy("bare Bun", "bun", "bare.ts") };
    const secure = few ? {} : { tls: await stage.proxy("bare Bun", "bun", "bare.ts", [CERTIFICATE, KEY]) };
    stage.add("bare Bun", { ...bare, ...secure } as Record<string, Child>);
    if (!few) await stage.rival("haproxy", HAPROXY_CONFIG, (file) => ["haproxy", "-db", "-f", file]);
    if (!all) return;
    await stage.rival("caddy", CADDYFILE, (file) => ["caddy", "run", "--config", file, "--adapter", "caddyfile"]);
    for (const [name, program, file] of [
      ["hono/proxy", "bun", "hono.ts"],
      ["fastify http-proxy", "node", "fastify.mjs"],
      ["express http-proxy", "node", "express.mjs"],
    ] as const) {
      const plain = await stage.proxy(name, program, file);
      if (plain !== undefined) stage.add(name, { plain });
    }
  });
