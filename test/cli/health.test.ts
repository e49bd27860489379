import { describe, test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { health } from "../../src/cli/health.ts";
import { bunRuntime } from "../../src/platform/bun/runtime.ts";

async function run(argv: readonly string[], files: Readonly<Record<string, string>> = {}) {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const code = await health(argv, {
    env: {},
    pod: {},
    fetch: bunRuntime.clientFetch({ verify: true }),
    files: {
      exists: async (path) => path in files,
      readText: async (path) => files[path] ?? Promise.reject(new Error(`cannot read ${path}`)),
    },
    stdout: (line) => void stdout.push(line),
    stderr: (line) => void stderr.push(line),
  });
  return { code, stdout, stderr: stderr.join("\n") };
}

/** An admin API that is alive and not ready. */
const admin = () =>
  Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) =>
      new URL(url).pathname === "/healthz" ? new Response("ok") : new Response("waiting for staging", { status: 503 }),
  });

describe("health", () => {
  test("exits 0 where a gateway is alive, and 1 where it is not ready, with the reason", async () => {
    await using server = admin();
    const url = `http://127.0.0.1:${server.port}`;
    assertEquals(await run(["--admin", url]), { code: 0, stdout: [], stderr: "" });
    const ready = await run(["--admin", url, "--ready"]);
    assertEquals([ready.code, ready.stderr], [1, `${url}/readyz: 503 waiting for staging`]);
    assertEquals((await run(["--admin", url, "--json"])).stdout, [JSON.stringify({ url: `${url}/healthz`, ok: true })]);
  });

  test("exits 1 where nothing answers, and says how to name another address", async () => {
    const server = admin();
    const url = `http://127.0.0.1:${server.port}`;
    await server.stop(true);
    const { code, stderr } = await run(["--admin", url]);
    assertEquals(
      [code, stderr],
      [
        1,
        `${url}/healthz: no answer: the gateway does not run, or has its admin API elsewhere (--admin URL, --config FILE)`,
      ],
    );
  });

  test("finds the admin address in the config, where it listens everywhere too", async () => {
    await using server = admin();
    const text = `admin: { listen: "0.0.0.0:${server.port}", token: t }\n`;
    assertEquals((await run([], { "./gateway.yaml": text })).code, 0);
    assertEquals((await run(["--config", "/c.yaml"], { "/c.yaml": text })).code, 0);
  });

  test.each([
    [["--config", "/c.yaml"], "/c.yaml has admin: false", "admin: false\n"],
    [["--config", "/c.yaml"], "no fixed port in admin.listen", "admin: { listen: 127.0.0.1:0 }\n"],
    [["--config", "/c.yaml"], "/c.yaml:1:1: nonsense", "nonsense: 1\n"],
    [["--config", "/d.yaml"], "cannot read /d.yaml", ""],
    [["--admin", "127.0.0.1:9090"], "--admin is a URL", ""],
    [["more"], "usage: podway health", ""],
  ])("%p exits 2: %s", async (argv, why, text) => {
    const { code, stderr } = await run(argv, { "/c.yaml": text });
    assertEquals(code, 2);
    assertStringIncludes(stderr, why);
  });
});
