import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, freePort, start } from "./process.ts";

/** A proxy under test. */
export interface Peer {
  readonly name: string;
  readonly child: Child;
}

/** What the gateway is measured with. */
export const SERVICES = 10_000;
export const ROUTES = 1000;

const here = import.meta.dir;
const main = join(here, "../../src/main.ts");
const script = (name: string): string => join(here, `${name}.ts`);

function write(name: string, text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "bench-")), name);
  writeFileSync(path, text);
  return path;
}

/** 1,000 routes over 1,000 services of 10,000; the last one is the one that is asked. */
function gatewayConfig(port: number, apiserver: number): string {
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
  const server = { listen: `127.0.0.1:${port}`, access_log: false, log_level: "error" };
  return JSON.stringify({ server, admin: false, discovery: { kubernetes }, routes });
}

async function gateway(apiserver: number, changes: (config: string) => string = (config) => config): Promise<Child> {
  const port = await freePort();
  const config = write("gateway.yaml", changes(gatewayConfig(port, apiserver)));
  return start(["bun", main, "--config", config], port, { NODE_ENV: "production" });
}

async function bunScript(name: string, backend: string): Promise<Child> {
  const port = await freePort();
  return start(["bun", script(name), String(port), backend], port, { NODE_ENV: "production" });
}

async function nginx(backend: string): Promise<Child> {
  const port = await freePort();
  const target = backend.replace("http://", "");
  const config = write(
    "nginx.conf",
    `worker_processes 1; daemon off; error_log /dev/null; pid ${write("nginx.pid", "")};
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000;
  upstream pod { server ${target}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://pod; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}`,
  );
  return start(["nginx", "-c", config], port);
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

/** Starts everything. Peers that are not installed are left out. */
export async function startField(): Promise<Field> {
  const [backendPort, apiserverPort] = [await freePort(), await freePort()];
  const backend = `http://127.0.0.1:${backendPort}`;
  const behind = [
    await start(["bun", script("backend"), String(backendPort)], backendPort),
    await start(["bun", script("apiserver"), String(apiserverPort), backend, String(SERVICES)], apiserverPort),
  ];
  const peers: Peer[] = [];
  const stop = async (): Promise<void> => {
    for (const child of [...peers.map((peer) => peer.child), ...behind]) await child.stop();
  };
  try {
    peers.push({ name: "bare Bun", child: await bunScript("bare", backend) });
    peers.push({ name: "podway", child: await gateway(apiserverPort) });
    peers.push({ name: "podway forwarder alone", child: await bunScript("forwarder", backend) });
    peers.push({
      name: "podway, access log on",
      child: await gateway(apiserverPort, (config) => config.replace('"access_log":false', '"access_log":"json"')),
    });
    peers.push({ name: "hono/proxy", child: await bunScript("hono", backend) });
    if (installed("nginx")) peers.push({ name: "nginx", child: await nginx(backend) });
    if (installed("caddy")) peers.push({ name: "caddy", child: await caddy(backend) });
    return { peers, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
