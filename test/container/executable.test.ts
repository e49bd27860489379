import { describe, test } from "bun:test";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { get } from "node:http";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { serveEmbedded } from "../helpers/embedded.ts";
import { startGateway } from "../helpers/gateway-process.ts";
import { OWN_MODULES, OWN_MODULES_HEADERS, ownModulesHeaders, writeOwnModules } from "../helpers/own-modules.ts";
import { until } from "../helpers/wait.ts";
import { SEALED } from "./sealed.ts";
import { executable, stateFolder } from "./state.ts";
import { untilSaid } from "./until-said.ts";

/** More than Bun's own limit of requests in flight. */
const CROWD = 300;

const slice = (host: string, port: number): object => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { namespace: "shop", name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  ports: [{ name: "http", port, protocol: "TCP" }],
  endpoints: [{ addresses: [host], conditions: { ready: true } }],
});

/** The executable, sealed, with a config that names this apiserver, or any other. */
const start = (config: object, files?: Record<string, string>) =>
  startGateway({ prefix: SEALED, command: [executable()], config, ...(files && { files }), timeout: 30_000 });

/** The status of a GET on a connection of its own: the test runner's fetch has the very limit that is looked for. */
const statusOf = (url: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    get(url, { agent: false }, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode));
    }).on("error", reject);
  });

/** Runs a command sealed, to its end. */
async function sealed(...command: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const folder = await mkdtemp(join(stateFolder(), "sealed-"));
  const child = Bun.spawn([...SEALED, ...command], { cwd: folder, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const texts = [new Response(child.stdout).text(), new Response(child.stderr).text()] as const;
  const [code, stdout, stderr] = await Promise.all([child.exited, ...texts]);
  await rm(folder, { recursive: true });
  return { code, stdout, stderr };
}

describe("the executable, as an unprivileged user in an empty folder of a read-only file system", () => {
  test("is really there: nothing can be written, and nobody's rights are all it has", async () => {
    const { stdout } = await sealed(
      "sh",
      "-c",
      'for at in . /tmp /dev/shm /var/tmp; do touch "$at/x" 2>/dev/null && echo "wrote to $at"; done; id -u; ls -A | wc -l; grep CapEff /proc/self/status',
    );
    assertEquals(stdout, "65532\n0\nCapEff:\t0000000000000000\n");
  });

  test("says its version", async () => {
    const { version } = (await Bun.file(join(import.meta.dir, "../../package.json")).json()) as { version: string };
    assertEquals(await sealed(executable(), "--version"), { code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("serves the demo", async () => {
    const folder = await mkdtemp(join(stateFolder(), "demo-"));
    const child = Bun.spawn([...SEALED, executable()], {
      cwd: folder,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const said = await untilSaid(child.stdout, /try: curl/);
    const url = /podway ready on (\S+)/.exec(said)![1]!;
    const answer = await fetch(`${url}/anything`);
    assertEquals(answer.status, 200);
    assertMatch(await answer.text(), /echo-[12]/);
    child.kill("SIGTERM");
    assertEquals(await child.exited, 0);
    await rm(folder, { recursive: true });
  });

  test("serves a real config: it follows a cluster, and ends at SIGTERM", async () => {
    await using served = await serveEmbedded({}, 0);
    await using pod = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("from the pod") });
    served.api.apply(slice("127.0.0.1", pod.port!));
    const gateway = await start({
      server: { listen: "127.0.0.1:0" },
      admin: { listen: "127.0.0.1:0" },
      discovery: {
        kubernetes: {
          service: { schema: "http", host: "127.0.0.1", port: Number(new URL(served.url).port) },
          client: { token: "any" },
          watch_endpoint_slices: true,
        },
      },
      routes: [{ path: "/", service: "shop/web:http" }],
    });
    assertEquals(await (await gateway.fetch("/")).text(), "from the pod");
    await until(() => served.api.openWatches.length === 1, { message: "the watch" });
    assertEquals((await sealed(executable(), "health", "--ready", "--admin", gateway.adminUrl)).code, 0);
    assertEquals(await gateway.stop(), 0);
  });

  test(`has ${CROWD} requests to a pod in flight, though nobody raised Bun's limit for it`, async () => {
    let inFlight = 0;
    const all = Promise.withResolvers<void>();
    await using pod = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      async fetch() {
        if (++inFlight === CROWD) all.resolve();
        await all.promise;
        return new Response("ok");
      },
    });
    await using gateway = await start({
      server: { listen: "127.0.0.1:0", access_log: false },
      admin: false,
      routes: [{ path: "/", nodes: [{ host: "127.0.0.1", port: pod.port }] }],
    });
    const answers = await Promise.all(Array.from({ length: CROWD }, () => statusOf(gateway.url)));
    assertEquals(new Set(answers), new Set([200]));
    assertEquals(
      gateway.stderr.filter((line) => line.includes("256")),
      [],
    );
  });

  test.each([1, 2])(
    "with %d workers loads the user's modules, which may import Hono from inside it",
    async (workers) => {
      await using pod = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });
      const module = `import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
export default ({ greeting }: { greeting: string }) =>
  createMiddleware(async (context: Context, next) => {
    await next();
    context.res.headers.set("x-greeting", greeting);
  });
`;
      const config = {
        server: { listen: "127.0.0.1:0", workers },
        admin: false,
        routes: [
          {
            path: "/",
            nodes: [{ host: "127.0.0.1", port: pod.port }],
            middleware: [{ use: "./mine.ts", options: { greeting: "hello" } }],
          },
        ],
      };
      await using gateway = await start(config, { "mine.ts": module });
      // Enough connections for each worker to have some.
      const answers = await Promise.all(
        Array.from({ length: 40 }, () => fetch(gateway.url, { headers: { connection: "close" } })),
      );
      assertEquals(new Set(answers.map(({ headers }) => headers.get("x-greeting"))), new Set(["hello"]));
      const threads = await Array.fromAsync(
        new Bun.Glob("*").scan({ cwd: `/proc/${gateway.pid}/task`, onlyFiles: false }),
      );
      const names = await Promise.all(threads.map((id) => Bun.file(`/proc/${gateway.pid}/task/${id}/comm`).text()));
      assertEquals(names.filter((name) => name === "Worker\n").length, workers === 1 ? 0 : workers, names.join(""));
    },
  );

  test("loads modules that import packages from beside them, as from source", async () => {
    const folder = await mkdtemp(join(stateFolder(), "own-"));
    await chmod(folder, 0o755);
    await writeOwnModules(folder);
    const configFile = join(folder, "gateway.yaml");
    const routes = [{ path: "/", redirect: { path: "/there" }, middleware: OWN_MODULES }];
    await Bun.write(configFile, JSON.stringify({ server: { listen: "127.0.0.1:0" }, admin: false, routes }));
    await using gateway = await startGateway({ prefix: SEALED, command: [executable()], config: "", configFile });
    assertEquals(ownModulesHeaders(await gateway.fetch("/")), OWN_MODULES_HEADERS);
    await rm(folder, { recursive: true });
  });

  test("names what a module imports and nobody has, and downloads nothing", async () => {
    const folder = await mkdtemp(join(stateFolder(), "module-"));
    await Bun.write(join(folder, "mine.ts"), 'import "no-such-package";\nexport default () => () => {};\n');
    const config = { routes: [{ path: "/", nodes: [{ host: "a", port: 1 }], middleware: [{ use: "./mine.ts" }] }] };
    await Bun.write(join(folder, "gateway.yaml"), JSON.stringify(config));
    const asked: string[] = [];
    await using registry = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request) {
        asked.push(request.url);
        return new Response("", { status: 404 });
      },
    });
    const env = {
      ...process.env,
      BUN_CONFIG_REGISTRY: `http://127.0.0.1:${registry.port}`,
      BUN_INSTALL_CACHE_DIR: folder,
    };
    const child = Bun.spawn([executable(), "check"], { cwd: folder, env, stdout: "ignore", stderr: "pipe" });
    assertStringIncludes(await new Response(child.stderr).text(), "Cannot find package 'no-such-package'");
    assertEquals([await child.exited, asked], [2, []]);
    assert(await Bun.file(join(folder, "gateway.yaml")).exists());
    await rm(folder, { recursive: true });
  });
});
