import { existsSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../helpers/wait.ts";
import type { Running } from "./stage.ts";

const ROOT: string = join(import.meta.dir, "../..");

/** How the Worker of a test is deployed. */
export interface Deployment {
  readonly config: object | string;
  /** With the Durable Object that holds the snapshot. */
  readonly holder?: boolean;
  readonly vars?: Record<string, string>;
}

/** A user's own entry: three lines around the config, as the documentation shows them. */
const ENTRY = `import config from "./gateway.workers.yaml";
import { createWorker } from ${JSON.stringify(join(ROOT, "src/runtime/workers-gateway.ts"))};
const { worker, SnapshotHolder } = createWorker(config);
export { SnapshotHolder };
export default worker;
`;

/** The checkout's own wrangler.toml, with the test's entry, variables and, unless asked for, without the holder. */
async function wranglerToml({ holder = false, vars = {} }: Deployment): Promise<string> {
  const own = Bun.TOML.parse(await Bun.file(join(ROOT, "wrangler.toml")).text()) as Record<string, unknown>;
  const { durable_objects, migrations, triggers, vars: _vars, ...rest } = own;
  return JSON.stringify({ ...rest, main: "entry.ts", vars, triggers, ...(holder ? { durable_objects, migrations } : {}) });
}

/** Runs it in workerd by \`wrangler dev\`, without a network. */
export async function startWorker(deployment: Deployment): Promise<Running> {
  const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  if (!existsSync(wrangler)) {
    throw new Error(`wrangler is missing: ${wrangler} is not there. It is a devDependency: run \`bun install\``);
  }
  const node = Bun.which("node");
  if (node === null) throw new Error("Node is missing: wrangler, which runs workerd, needs Node 20 or newer");
  const folder = await mkdtemp(join(tmpdir(), "podway-worker-"));
  const { config } = deployment;
  await writeFile(join(folder, "entry.ts"), ENTRY);
  await writeFile(join(folder, "gateway.workers.yaml"), typeof config === "string" ? config : JSON.stringify(config));
  await writeFile(join(folder, "wrangler.json"), await wranglerToml(deployment));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));

  const options = ["--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0", "--show-interactive-dev-session=false"];
  const child = Bun.spawn([node, wrangler, "dev", "--config", "wrangler.json", "--local", ...options], {
    cwd: folder,
    env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: folder, NO_COLOR: "1" },
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
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
    await child.exited;
    clearTimeout(timer);
    await output;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const url = await until(() => child.exitCode === null && /Ready on (http:\S+)/.exec(written)?.[1], {
      timeout: 40_000,
      message: () => `workerd to be ready; wrangler wrote:\n${written}`,
    });
    return { url, adminUrl: undefined, log: () => written, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
