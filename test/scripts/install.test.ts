import { afterEach, beforeEach, describe, test } from "bun:test";
import { cp, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import packageJson from "../../package.json" with { type: "json" };
import { until } from "../helpers/wait.ts";

const ROOT = join(import.meta.dir, "../..");

let folder: string;

/** A checkout as far as an install reads it. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "podway-install-"));
  for (const name of ["package.json", "bun.lock", "bunfig.toml", "scripts"]) {
    await cp(join(ROOT, name), join(folder, name), { recursive: true });
  }
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The install step that the script `gateway` begins with. */
function install(env: Record<string, string>) {
  const words = packageJson.scripts.gateway.split(" && ")[0]!.split(" ");
  const child = Bun.spawn([process.execPath, ...words.slice(1)], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  return child;
}

/** A cache of its own, so that everything is asked of this registry. */
const from = (port: number | undefined, name: string): Record<string, string> => ({
  BUN_CONFIG_REGISTRY: `http://127.0.0.1:${port}`,
  BUN_INSTALL_CACHE_DIR: join(folder, name),
  BUN_CONFIG_HTTP_RETRY_COUNT: "0",
});

/** Packages in a node_modules, scoped ones included. */
async function packagesIn(modules: string): Promise<string[]> {
  const names = await readdir(modules);
  const all = await Promise.all(
    names.map(async (name) =>
      name.startsWith("@") ? (await readdir(join(modules, name))).map((part) => `${name}/${part}`) : [name],
    ),
  );
  return all
    .flat()
    .filter((name) => !name.startsWith("."))
    .sort();
}

async function bytesIn(path: string): Promise<number> {
  const files = await readdir(path, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    files.filter((file) => file.isFile()).map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe("what the first command installs", () => {
  test("is what the gateway loads and nothing else", async () => {
    const child = install({});
    assertEquals([await new Response(child.stdout).text(), await child.exited], ["", 0]);
    const modules = join(folder, "node_modules");
    assertEquals(await packagesIn(modules), [
      "@logtape/logtape",
      // prom-client's.
      "@opentelemetry/api",
      "@valibot/to-json-schema",
      "bintrees",
      "hono",
      "prom-client",
      "tdigest",
      "valibot",
      "yaml",
    ]);
    assert((await bytesIn(modules)) < 15e6);
  });

  test("is said to be missing where it cannot be had, with the reason and what to do", async () => {
    await using registry = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response("", { status: 403 }),
    });
    const child = install(from(registry.port, "refused"));
    const said = await new Response(child.stderr).text();
    assertEquals(await child.exited, 1);
    assertMatch(said, /^Packages could not be installed/);
    assertStringIncludes(said, "403");
    assertMatch(said, /BUN_CONFIG_REGISTRY names: is it reached from here\?\n.*node_modules/);
  });

  test("is what a wait is said to be for", async () => {
    const answers = Promise.withResolvers<void>();
    await using registry = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      async fetch() {
        await answers.promise;
        return new Response("", { status: 403 });
      },
    });
    const child = install(from(registry.port, "slow"));
    let said = "";
    const read = (async () => {
      for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) said += piece;
    })();
    await until(() => said !== "", { message: "a line about the wait" });
    assertMatch(said, /^Installing packages .*\n$/);
    answers.resolve();
    await read;
    assertEquals(await child.exited, 1);
  });
});
