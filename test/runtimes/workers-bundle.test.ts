import { describe, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";

const ROOT: string = join(import.meta.dir, "../..");

/** What a Worker may weigh, compressed: Cloudflare's free plan takes 3 MB, and a cold start reads all of it. */
const MOST_BYTES = 300_000;

/** What belongs to a process of its own, and must not come along because something common to all has named it. */
const NOT_FOR_WORKERS = [
  /node_modules\/prom-client\//,
  /node_modules\/@opentelemetry\//,
  /node_modules\/@logtape\//,
  /src\/(?:admin|commands|console|demo|import|manifests)\//,
  /src\/runtime\/(?:bun|deno|node)/,
];

interface Meta {
  readonly outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, { bytesInOutput: number }>> }>>;
}

describe("the Worker that wrangler.toml deploys", () => {
  test("is bundled from this checkout, small, and without what only a process of its own needs", async () => {
    const out = await mkdtemp(join(tmpdir(), "podway-bundle-"));
    const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
    const child = Bun.spawn(["node", wrangler, "deploy", "--dry-run", "--metafile", "--minify", "--outdir", out], {
      cwd: ROOT,
      env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: out, NO_COLOR: "1" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const written = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    assertEquals(await child.exited, 0, written.join("\n"));
    const meta = (await Bun.file(join(out, "bundle-meta.json")).json()) as Meta;
    const inputs = Object.values(meta.outputs).flatMap((output) => Object.entries(output.inputs));
    const unwanted = inputs.filter(
      ([path, { bytesInOutput }]) => bytesInOutput > 0 && NOT_FOR_WORKERS.some((part) => part.test(path)),
    );
    assertEquals(unwanted, []);
    const script = (await readdir(out)).find((name) => name.endsWith(".js"))!;
    const bytes = Bun.gzipSync(await Bun.file(join(out, script)).bytes()).length;
    assert(bytes < MOST_BYTES, `${bytes} bytes`);
    await rm(out, { recursive: true });
  });
});
