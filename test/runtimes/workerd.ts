import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endingWithUs } from "../helpers/child.ts";
import { until } from "../helpers/wait.ts";
import type { Running } from "./stage.ts";

const ROOT: string = join(import.meta.dir, "../..");

/** How the Worker of a test is deployed. */
export interface Deployment {
  readonly config: object | string;
  /** With the Durable Object that holds the snapshot. */
  readonly holder?: boolean;
  /** Variables and secrets. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Modules of other Workers, by the binding they are reached through. */
  readonly bound?: Readonly<Record<string, string>>;
  /** How many isolates of it there are, each with an address of its own; the Durable Object is one for all. @default 1 */
  readonly isolates?: number;
}

/** A Worker that runs. */
export interface RunningWorker extends Running {
  /** Of each isolate; the first is `url`. */
  readonly urls: readonly string[];
  /** Fires the cron trigger; resolves when its work is done. */
  cron(): Promise<void>;
}

/** A user's own entry, as the documentation shows it. */
const ENTRY = `import config from "./gateway.workers.yaml";
import { createWorker } from ${JSON.stringify(join(ROOT, "src/server/workers/gateway.ts"))};
const { worker, SnapshotHolder } = createWorker(config);
export { SnapshotHolder };
export default worker;
`;

/** Fires the gateway's cron trigger when it is asked anything. */
const CRON = `export default {
  async fetch(_request, env) {
    await env.GATEWAY.scheduled({ cron: "* * * * *", scheduledTime: new Date() });
    return new Response("done");
  },
};
`;

/** A program the tests need, or an error in words. */
function needed(path: string, what: string): string {
  const found = join(ROOT, path);
  if (existsSync(found)) return found;
  throw new Error(
    `${what} is missing: ${found} is not there. It comes with the devDependency wrangler: run \`bun install\``,
  );
}

interface WranglerToml {
  readonly compatibility_date: string;
  readonly [key: string]: unknown;
}

const readToml = async (): Promise<WranglerToml> =>
  Bun.TOML.parse(await Bun.file(join(ROOT, "wrangler.toml")).text()) as WranglerToml;

/** The Worker's program, and its text modules by the names it imports them by. */
interface Bundle {
  readonly script: string;
  readonly yaml: string;
}

let bundled: Promise<Bundle> | undefined;

/**
 * Bundles with the checkout's own wrangler.toml, as `wrangler deploy` does; once, since the config is a module beside the
 * program that each test has its own of.
 */
async function bundle(toml: WranglerToml): Promise<Bundle> {
  const node = Bun.which("node");
  if (node === null) throw new Error("Node is missing: wrangler, which bundles the Worker, needs Node 20 or newer");
  const wrangler = needed("node_modules/wrangler/bin/wrangler.js", "wrangler");
  const folder = await mkdtemp(join(tmpdir(), "podway-bundle-"));
  await writeFile(join(folder, "entry.ts"), ENTRY);
  await writeFile(join(folder, "gateway.workers.yaml"), "routes: []\n");
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "wrangler.json"), JSON.stringify({ ...toml, main: "entry.ts" }));
  const child = Bun.spawn([node, wrangler, "deploy", "--dry-run", "--config", "wrangler.json", "--outdir", "out"], {
    cwd: folder,
    env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: folder, NO_COLOR: "1" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const written = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0)
    throw new Error(`wrangler could not bundle the Worker:\n${(await written).join("\n")}`);
  const yaml = (await readdir(join(folder, "out"))).find((name) => name.endsWith(".yaml"))!;
  const script = await Bun.file(join(folder, "out/entry.js")).text();
  await rm(folder, { recursive: true });
  return { script, yaml };
}

/** workerd's own config (Cap'n Proto text): the Worker, what Cloudflare's edge would add, and the Workers bound to it. */
function workerdConfig(yaml: string, toml: WranglerToml, deployment: Deployment): string {
  const { holder = false, vars = {}, bound = {}, isolates = 1 } = deployment;
  const text = JSON.stringify;
  const date = `compatibilityDate = ${text(toml.compatibility_date)}`;
  const bindings = [
    ...Object.entries(vars).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...Object.keys(bound).map((name) => `(name = ${text(name)}, service = ${text(name)})`),
    ...(holder
      ? ['(name = "SNAPSHOT_HOLDER", durableObjectNamespace = (className = "SnapshotHolder", serviceName = "gateway"))']
      : []),
  ];
  const worker = (more: string): string => `(
    modules = [
      (name = "entry.js", esModule = embed "entry.js"),
      (name = ${text(yaml)}, text = embed "gateway.workers.yaml")
    ],
    bindings = [${bindings.join(", ")}],
    ${more}
    ${date}
  )`;
  const holding = `durableObjectNamespaces = [(className = "SnapshotHolder", uniqueKey = "podway-test")],
    durableObjectStorage = (inMemory = void),`;
  // workerd gives each of its services one isolate.
  const gateways = isolateNames(isolates).map(
    (name, index) => `(name = ${text(name)}, worker = ${worker(index === 0 ? holding : "")})`,
  );
  const sockets = isolateNames(isolates).map(
    (name) => `(name = ${text(name)}, address = "127.0.0.1:0", service = ${text(name)},
     http = (injectRequestHeaders = [(name = "CF-Connecting-IP", value = "127.0.0.1")]))`,
  );
  const others = Object.entries({ ...bound, cron: CRON }).map(([name, source]) => {
    const links = name === "cron" ? `bindings = [(name = "GATEWAY", service = "gateway")],` : "";
    const module = `(name = "main.js", esModule = ${text(source)})`;
    return `(name = ${text(name)}, worker = (modules = [${module}], ${links} ${date}))`;
  });
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${[...gateways, ...others].join(",\n    ")},
    (name = "internet", network = (allow = ["public", "private", "local"]))
  ],
  sockets = [
    ${sockets.join(",\n    ")},
    (name = "cron", address = "127.0.0.1:0", http = (), service = "cron")
  ]
);
`;
}

/** The services of the isolates. */
const isolateNames = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => (index === 0 ? "gateway" : `gateway-${index + 1}`));

/** Bundles it, and serves it with workerd, the program Cloudflare runs Workers with. */
export async function startWorker(deployment: Deployment): Promise<RunningWorker> {
  const { platform, arch } = process;
  const workerd = needed(
    `node_modules/@cloudflare/workerd-${platform}-${arch === "x64" ? "64" : arch}/bin/workerd`,
    "workerd",
  );
  const folder = await mkdtemp(join(tmpdir(), "podway-worker-"));
  const { config } = deployment;
  const toml = await readToml();
  bundled ??= bundle(toml);
  const { script, yaml } = await bundled;
  await writeFile(join(folder, "entry.js"), script);
  await writeFile(join(folder, "gateway.workers.yaml"), typeof config === "string" ? config : JSON.stringify(config));
  await writeFile(join(folder, "config.capnp"), workerdConfig(yaml, toml, deployment));

  const child = Bun.spawn(endingWithUs([workerd, "serve", "--experimental", "--control-fd=1", "config.capnp"]), {
    cwd: folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let written = "";
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) written += decoder.decode(chunk, { stream: true });
  };
  const output = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
    await output;
    await rm(folder, { recursive: true, force: true });
  };
  const portOf = (socket: string): string | undefined =>
    new RegExp(`"listen","socket":"${socket}","port":(\\d+)`).exec(written)?.[1];
  try {
    const [cron, ...gateways] = await until(
      () => {
        if (child.exitCode !== null) throw new Error("workerd has ended");
        const ports = ["cron", ...isolateNames(deployment.isolates ?? 1)].map(portOf);
        return ports.every((port) => port !== undefined) && ports;
      },
      { timeout: 20_000, message: () => `workerd to listen; it wrote:\n${written}` },
    );
    const urls = gateways.map((port) => `http://127.0.0.1:${port}`);
    return {
      url: urls[0]!,
      urls,
      adminUrl: undefined,
      log: () => written,
      cron: async () => void (await fetch(`http://127.0.0.1:${cron}/`)),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
