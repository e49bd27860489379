import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROUTES } from "./cases.ts";
import { type Child, freePort, start } from "./process.ts";

/** A proxy under test. */
export interface Peer {
  readonly name: string;
  readonly child: Child;
  readonly scheme: "http" | "https";
}

/** What the gateway is measured with. */
export const SERVICES = 10_000;

const here = import.meta.dir;
const main = join(here, "../../src/main.ts");
const script = (name: string): string => join(here, `${name}.ts`);

function write(name: string, text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "bench-")), name);
  writeFileSync(path, text);
  return path;
}

/** 1,000 routes over 1,000 services of 10,000; the last one is the one that is asked. */
function gatewayConfig(port: number, apiserver: number) {
  const routes = Array.from({ length: ROUTES }, (_, i) => ({
    id: `r${i}`,
    path: i === ROUTES - 1 ? "/" : `/r${i}`,
    service: `bench/svc-${i}:http`,
  }));
  const kubernetes = {
    service: { schema: "http", host: "127.0.0.1", port: apiserver },
    client: { token: "bench" },
    watch_endpoint_slices: true,
  };
  const server: Record<string, unknown> = { listen: `127.0.0.1:${port}`, access_log: false, log_level: "error" };
  return { server, admin: false, discovery: { kubernetes }, routes };
}

const CERTIFICATE = join(here, "../../test/fixtures/tls/server.crt");
const KEY = join(here, "../../test/fixtures/tls/server.key");

/** What one gateway of the field has that the others have not. */
interface Variant {
  readonly accessLog?: "json";
  readonly workers?: number;
  readonly tls?: true;
}

async function gateway(apiserver: number, { accessLog, workers, tls }: Variant = {}): Promise<Child> {
  const port = await freePort();
  const config = gatewayConfig(port, apiserver);
  if (accessLog !== undefined) config.server.access_log = accessLog;
  if (workers !== undefined) config.server.workers = workers;
  if (tls) config.server.tls = { cert_file: CERTIFICATE, key_file: KEY };
  const file = write("gateway.yaml", JSON.stringify(config));
  return start(["bun", main, "--config", file], port, BUN, tls ? "https" : "http");
}

/** As `bun run gateway` starts it; harmless for the others. */
const BUN = { NODE_ENV: "production", BUN_CONFIG_MAX_HTTP_REQUESTS: "65336" };

async function bunScript(name: string, backend: string): Promise<Child> {
  const port = await freePort();
  return start(["bun", script(name), String(port), backend], port, BUN);
}

async function bareTls(backend: string): Promise<Child> {
  const port = await freePort();
  return start(["bun", script("bare"), String(port), backend, CERTIFICATE, KEY], port, BUN, "https");
}

async function nodeScript(name: string, backend: string): Promise<Child> {
  const port = await freePort();
  return start(["node", join(here, `${name}.mjs`), String(port), backend], port, { NODE_ENV: "production" });
}

/** What a proxy of another project has beside plain HTTP/1.1. */
interface RivalVariant {
  readonly log?: true;
  readonly tls?: true;
}

async function nginx(backend: string, { log, tls }: RivalVariant = {}): Promise<Child> {
  const port = await freePort();
  const target = backend.replace("http://", "");
  const accessLog = log ? write("access.log", "") : "off";
  const secure = `ssl_certificate ${CERTIFICATE}; ssl_certificate_key ${KEY}; ssl_session_tickets off;`;
  const config = write(
    "nginx.conf",
    `worker_processes 1; daemon off; error_log /dev/null; pid ${write("nginx.pid", "")};
events { worker_connections 4096; }
http {
  access_log ${accessLog}; keepalive_requests 1000000000;
  upstream pod { server ${target}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port}${tls ? " ssl http2" : ""}; ${tls ? secure : ""}
    location / {
      proxy_pass http://pod; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}`,
  );
  return start(["nginx", "-c", config], port, {}, tls ? "https" : "http");
}

async function haproxy(backend: string, { tls }: RivalVariant = {}): Promise<Child> {
  const port = await freePort();
  const both = tls ? write("server.pem", readFileSync(CERTIFICATE, "utf8") + readFileSync(KEY, "utf8")) : "";
  const config = write(
    "haproxy.cfg",
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  http-reuse always
  option forwardfor
frontend front
  bind 127.0.0.1:${port}${tls ? ` ssl crt ${both} alpn h2,http/1.1` : ""}
  default_backend pods
backend pods
  server pod ${backend.replace("http://", "")}
`,
  );
  return start(["haproxy", "-db", "-f", config], port, {}, tls ? "https" : "http");
}

async function caddy(backend: string): Promise<Child> {
  const port = await freePort();
  const config = write(
    "Caddyfile",
    `{\n  admin off\n  auto_https off\n  log {\n    output discard\n  }\n}\nhttp://127.0.0.1:${port} {\n  reverse_proxy ${backend}\n}\n`,
  );
  return start(["caddy", "run", "--config", config, "--adapter", "caddyfile"], port);
}

const installed = (program: string): boolean => Bun.which(program) !== null;

/** What is measured, and the pods and the apiserver behind it. */
export interface Field {
  readonly peers: Peer[];
  stop(): Promise<void>;
}

/** Starts gateways that differ in the number of their workers only. */
export function startWorkers(counts: readonly number[]): Promise<Field> {
  return withBackends(async (add, _backend, apiserver) => {
    for (const workers of counts) await add(String(workers), gateway(apiserver, { workers }));
  });
}

/** Adds one to a field. */
type Add = (name: string, child: Promise<Child>, scheme?: Peer["scheme"]) => Promise<void>;

/** How each is started, by its name. */
const STARTED: Readonly<
  Record<
    string,
    { readonly needs?: string; readonly tls?: true; start(backend: string, apiserver: number): Promise<Child> }
  >
> = {
  "bare Bun": { start: (backend) => bunScript("bare", backend) },
  "bare Bun, TLS": { tls: true, start: bareTls },
  podway: { start: (_, apiserver) => gateway(apiserver) },
  "podway, access log on": { start: (_, apiserver) => gateway(apiserver, { accessLog: "json" }) },
  "podway, TLS": { tls: true, start: (_, apiserver) => gateway(apiserver, { tls: true }) },
  nginx: { needs: "nginx", start: (backend) => nginx(backend) },
  "nginx, access log on": { needs: "nginx", start: (backend) => nginx(backend, { log: true }) },
  "nginx, TLS": { needs: "nginx", tls: true, start: (backend) => nginx(backend, { tls: true }) },
  haproxy: { needs: "haproxy", start: (backend) => haproxy(backend) },
  "haproxy, TLS": { needs: "haproxy", tls: true, start: (backend) => haproxy(backend, { tls: true }) },
  caddy: { needs: "caddy", start: caddy },
  "podway, forwarder alone": { start: (backend) => bunScript("forwarder", backend) },
  "hono/proxy": { start: (backend) => bunScript("hono", backend) },
  "fastify http-proxy": { needs: "node", start: (backend) => nodeScript("fastify", backend) },
  "express http-proxy": { needs: "node", start: (backend) => nodeScript("express", backend) },
};

/** Frameworks and proxies of others, which no promise is about. */
export const FURTHER: readonly string[] = Object.keys(STARTED).slice(Object.keys(STARTED).indexOf("caddy"));

/** Starts those of these names that are installed, in the order of the names. */
export function startField(names: readonly string[]): Promise<Field> {
  return withBackends(async (add, backend, apiserver) => {
    for (const name of names) {
      const { needs, tls, start } = STARTED[name]!;
      if (needs === undefined || installed(needs)) await add(name, start(backend, apiserver), tls ? "https" : "http");
    }
  });
}

/** A pod and an apiserver, and what `fill` puts before them. */
async function withBackends(fill: (add: Add, backend: string, apiserver: number) => Promise<void>): Promise<Field> {
  const [backendPort, apiserverPort] = [await freePort(), await freePort()];
  const backend = `http://127.0.0.1:${backendPort}`;
  const behind: Child[] = [];
  const peers: Peer[] = [];
  const stop = async (): Promise<void> => {
    for (const child of [...peers.map((peer) => peer.child), ...behind]) await child.stop();
  };
  const add: Add = async (name, child, scheme = "http") => {
    peers.push({ name, child: await child, scheme });
  };
  try {
    behind.push(await start(["bun", script("backend"), String(backendPort)], backendPort));
    const apiserver = ["bun", script("apiserver"), String(apiserverPort), backend, String(SERVICES)];
    behind.push(await start(apiserver, apiserverPort));
    await fill(add, backend, apiserverPort);
    return { peers, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
