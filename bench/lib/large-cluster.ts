import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, freePort, start } from "./process.ts";
import { namespaceOf, serviceOf } from "./slices.ts";
import { SHAPE } from "./watch-load.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const script = (name: string): string => join(import.meta.dir, `${name}.ts`);

/** The apiserver of a large cluster and the one pod in it that is there. */
export interface LargeCluster {
  readonly server: string;
  /** A POST to one of its controls; the JSON it answers. */
  control(path: string): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts both; the cluster has so many services. */
export async function startCluster(slices: number = SHAPE.slices): Promise<LargeCluster> {
  const [port, podPort] = [await freePort(), await freePort()];
  const children = [
    await start(["bun", script("host-echo"), String(podPort)], podPort),
    await start(["bun", script("cluster-server"), String(port), String(podPort), String(slices)], port),
  ];
  const server = `http://127.0.0.1:${port}`;
  return {
    server,
    async control(path) {
      const answer = await fetch(`${server}/control/${path}`, { method: "POST" });
      if (!answer.ok) throw new Error(await answer.text());
      const text = await answer.text();
      return text === "" ? undefined : JSON.parse(text);
    },
    async stop() {
      for (const child of children) await child.stop();
    },
  };
}

/**
 * The command line of a gateway that sends everything to service 0; without a server it follows no cluster. `how`: more
 * keys of the cluster, such as its mode.
 */
export function gatewayCommand(port: number, server: string | undefined, how: object = {}): string[] {
  const { hostname: host, port: apiPort } = new URL(server ?? "http://none:1");
  const kubernetes = {
    service: { schema: "http", host, port: apiPort },
    client: { token: "bench" },
    watch_endpoint_slices: true,
    ...how,
  };
  const config = {
    server: { listen: `127.0.0.1:${port}`, access_log: false, log_level: "error" },
    admin: false,
    ...(server === undefined ? {} : { discovery: { kubernetes } }),
    routes: [
      server === undefined
        ? { redirect: { path: "/none" } }
        : { service: `${namespaceOf(0, SHAPE)}/${serviceOf(0)}:http`, pass_host: "node" },
    ],
  };
  const path = join(mkdtempSync(join(tmpdir(), "bench-")), "gateway.yaml");
  writeFileSync(path, JSON.stringify(config));
  return ["bun", MAIN, "--config", path];
}

/** Starts it and waits for its first answer. */
export async function startGateway(server: string | undefined, how: object = {}): Promise<Child> {
  const port = await freePort();
  return start(gatewayCommand(port, server, how), port, { env: { NODE_ENV: "production" } });
}

/** Milliseconds from the start of a gateway to its first answer from a pod. */
export async function timeToFirstAnswer(server: string): Promise<number> {
  const port = await freePort();
  const command = gatewayCommand(port, server);
  const started = performance.now();
  const child = Bun.spawn(command, {
    stdout: "ignore",
    stderr: "inherit",
    env: { ...process.env, NODE_ENV: "production" },
  });
  try {
    while (performance.now() - started < 30_000) {
      const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
      if (answer?.status === 200) return performance.now() - started;
      await Bun.sleep(2);
    }
    throw new Error("no answer within 30 s");
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

/** What one of the programs beside this prints, and the milliseconds it ran. */
export async function runScript(name: string, ...args: string[]): Promise<{ text: string; ms: number }> {
  const started = performance.now();
  const child = Bun.spawn(["bun", script(name), ...args], { stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`${name} failed`);
  return { text, ms: performance.now() - started };
}
