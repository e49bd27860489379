import { afterAll, beforeAll, describe, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { SocketAddress } from "../../src/base/addresses.ts";
import { run } from "../../src/cli/run.ts";
import { loadConfig } from "../../src/config/load.ts";
import { FORMAT } from "../../src/gateway/format.ts";
import { bunRuntime } from "../../src/platform/bun/runtime.ts";
import type { Host } from "../../src/platform/host.ts";
import { serve, world } from "../gateway/support.ts";
import { endingWithUs } from "../helpers/child.ts";
import { MAIN } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "podway-command-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The program in a folder without a gateway.yaml. */
async function bare(env: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = Bun.spawn(endingWithUs([process.execPath, MAIN]), {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, stdout, stderr };
}

/** The config in a help text, which must be one that works. */
function smallestConfig(help: string, env: Record<string, string>): string {
  const text = help.split("\n\n")[1]!;
  const loaded = loadConfig({ format: FORMAT, file: "smallest", text, env, pod: {} });
  assertEquals(loaded.ok ? [] : loaded.errors, []);
  return text;
}

describe("serving without a config", () => {
  test("beside a cluster is exit code 2 and shows the smallest config that works", async () => {
    const env = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };
    const { code, stdout, stderr } = await bare(env);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, "--demo");
    assertStringIncludes(smallestConfig(stderr, env), "watch_endpoint_slices: true");
  });

  test("beside a kubeconfig is the demo, which says how to get a config for that cluster", async () => {
    const {
      host,
      run: start,
      stdout,
      stderr,
      signal,
    } = world({ env: { KUBECONFIG: `/none/here:${join(folder, "k")}` } });
    await writeFile(join(folder, "k"), "");
    const before = process.cwd();
    process.chdir(folder);
    try {
      const ended = start("--port", "0", "--admin-port", "0");
      await until(() => stdout.length > 1, { message: "the ready line and hints" });
      signal("SIGTERM");
      assertEquals(await ended, 0);
    } finally {
      process.chdir(before);
    }
    assertMatch(stdout[1]!, /^try: curl/);
    assertMatch(
      stderr[0]!,
      new RegExp(`this is the demo\\. \`podway init\` writes one for the cluster of ${folder}/k`),
    );
    assertEquals(host.terminal, false);
  });
});

describe("the demo", () => {
  test("has its access log for people on a terminal, and for programs elsewhere", async () => {
    for (const terminal of [true, false]) {
      const { host, stdout, signal } = world();
      const ended = run(["--demo", "--port", "0", "--admin-port", "0"], {
        runtime: bunRuntime,
        host: { ...host, terminal },
      });
      await until(() => stdout.length > 0, { message: "the ready line" });
      const before = stdout.length;
      await fetch(/ready on (\S+)/.exec(stdout[0]!)![1]!);
      signal("SIGTERM");
      assertEquals(await ended, 0);
      assertMatch(stdout[before]!, terminal ? /^127\.0\.0\.1 - - .*"GET \/ HTTP/ : /^\{"time":/);
    }
  });

  test("names its own options where a port is taken, and takes ports that are none for what they are", async () => {
    await using taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    for (const [argv, code, words] of [
      [["--port", String(taken.port), "--admin-port", "0"], 1, /another program listens there; --port chooses another/],
      [["--port", "0", "--admin-port", String(taken.port)], 1, /listens there; --admin-port chooses another/],
      [["--port", "80a"], 2, /--port is a port/],
      [["--config", "x.yaml", "--port", "1"], 2, /x\.yaml has server\.listen/],
    ] as const) {
      const { run, stdout, stderr } = world();
      const demo = argv.includes("--config" as never) ? [] : ["--demo"];
      assertEquals([await run(...demo, ...argv), stdout], [code, []]);
      assertMatch(stderr.at(-1)!, words);
    }
  });
});

describe("serving without a word about addresses", () => {
  test("listens on port 8080 of every address, and with the admin API on 9090 of this machine alone", async () => {
    const { host, stdout, signal } = world();
    const asked: SocketAddress[] = [];
    const listenStream: Host["listenStream"] = (address, handlers, options) => {
      asked.push(address);
      const port = [8080, 9090].includes(address.port) ? 0 : address.port;
      return host.listenStream({ ...address, port }, handlers, options);
    };
    const ended = run(["--demo"], { runtime: bunRuntime, host: { ...host, listenStream } });
    await until(() => stdout.length > 0, { message: "the ready line" });
    signal("SIGTERM");
    assertEquals(await ended, 0);
    assertEquals(asked.slice(-2), [
      { host: "0.0.0.0", port: 8080 },
      { host: "127.0.0.1", port: 9090 },
    ]);
  });
});

describe("serving a config", () => {
  test("that is not there is exit code 2 and names the file", async () => {
    const { run, stdout, stderr } = world();
    const file = join(folder, "missing.yaml");
    assertEquals([await run("--config", file), stdout], [2, []]);
    assertStringIncludes(stderr.join("\n"), file);
  });

  test("that is invalid prints all errors with their places, starts nothing, and is exit code 2", async () => {
    const file = join(folder, "bad.yaml");
    await writeFile(file, "server:\n  drian: 5\nroutes:\n  - path: nope\n    service: a/b\n  - methods: GET\n");
    const { run, stdout, stderr, ports } = world();
    assertEquals([await run("-c", file), stdout, ports], [2, [], []]);
    const errors = stderr.filter((line) => line.startsWith(file) && !line.includes("warning"));
    assertEquals(
      errors.map((line) => line.slice(file.length).replace(/^(:\d+:\d+).*/, "$1")),
      [":2:3", ":4:11", ":6:5", ":6:14"],
    );
  });

  test("whose port is taken is exit code 1 and a sentence", async () => {
    const taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    try {
      const file = join(folder, "taken.yaml");
      for (const config of [
        { server: { listen: `127.0.0.1:${taken.port}` }, admin: { listen: "127.0.0.1:0" } },
        { server: { listen: "127.0.0.1:0" }, admin: { listen: `127.0.0.1:${taken.port}` } },
      ]) {
        await writeFile(file, JSON.stringify(config));
        const { run, stdout, stderr } = world();
        assertEquals([await run("--config", file), stdout], [1, []]);
        assertMatch(
          stderr.at(-1)!,
          new RegExp(
            `^Cannot listen on 127\\.0\\.0\\.1:${taken.port}: another program listens there; (server|admin).listen chooses`,
          ),
        );
      }
    } finally {
      await taken.stop(true);
    }
  });

  test("tells on one line where it listens: wildcards as loopback, IPv6 in brackets, nothing of an admin that is off", async () => {
    const ready = async (config: object): Promise<string> => {
      await using gateway = await serve(config);
      assertEquals(gateway.stdout.filter((line) => line.startsWith("podway")).length, 1);
      return gateway.stdout[0]!.replace(/:\d+(?=$|\)| )/g, ":PORT");
    };
    assertEquals(
      [
        await ready({ server: { listen: "0.0.0.0:0" } }),
        await ready({ server: { listen: "[::]:0" } }),
        await ready({ server: { listen: "[::1]:0" }, admin: { listen: "[::1]:0" } }),
        await ready({ server: { listen: "localhost:0" }, admin: false }),
      ],
      [
        "podway ready on http://127.0.0.1:PORT (admin http://127.0.0.1:PORT)",
        "podway ready on http://127.0.0.1:PORT (admin http://127.0.0.1:PORT)",
        "podway ready on http://[::1]:PORT (admin http://[::1]:PORT)",
        "podway ready on http://localhost:PORT",
      ],
    );
  });

  test("announces it as a JSON line with --json, as all that it writes to stdout", async () => {
    const file = join(folder, "json.yaml");
    await writeFile(file, JSON.stringify({ server: { listen: "127.0.0.1:0" }, admin: false, routes: [] }));
    const { run, stdout, signal } = world();
    const ended = run("--config", file, "--json");
    await until(() => stdout.length > 0, { message: "the ready line" });
    const { message, url, waiting } = JSON.parse(stdout[0]!);
    assertEquals([message, waiting], [`podway ready on ${url}`, []]);
    await fetch(url);
    signal("SIGTERM");
    assertEquals(await ended, 0);
    for (const line of stdout) JSON.parse(line);
  });

  test("writes its log as JSON lines to stderr and the access log to stdout", async () => {
    await using gateway = await serve({ server: { log_level: "debug" } });
    await gateway.fetch("/somewhere?x=1");
    await gateway.stop();
    const [ready, ...access] = gateway.stdout;
    assertMatch(ready!, /^podway ready/);
    assertEquals(access.length, 1);
    const line = JSON.parse(access[0]!);
    assertEquals([line.method, line.path, line.status, line.error], ["GET", "/somewhere", 404, "no_route"]);
    for (const logged of gateway.stderr) JSON.parse(logged);
  });
});
