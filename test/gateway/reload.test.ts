import { describe, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { closedPort } from "../helpers/closed-port.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { MAIN } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { clusterBlock, oneCluster, slice } from "./objects.ts";
import { type Pods, startPods } from "./pods.ts";
import { logged, type ServedGateway, serve } from "./support.ts";

/** Design: a valid change applies to new requests within this. */
const WITHIN_MS = 1000;

const toPod = (pods: Pods, index: number, more: object = {}): object => ({
  routes: [{ nodes: [{ host: pods.all[index]!.ip, port: pods.port }], ...more }],
});

const ask = async (gateway: ServedGateway): Promise<string> => (await gateway.fetch("/")).text();

const untilAnswered = (gateway: ServedGateway, wanted: string): Promise<boolean> =>
  until(async () => (await ask(gateway)) === wanted, {
    timeout: WITHIN_MS,
    interval: 5,
    message: `${wanted} answers; the log:\n${gateway.stderr.join("\n")}`,
  });

/** A few clients that ask without a pause; everything they got. */
function load(gateway: ServedGateway, clients = 4) {
  let going = true;
  const answers: string[] = [];
  const one = async (): Promise<void> => {
    while (going) {
      const response = await gateway.fetch("/").catch((error: Error) => error);
      answers.push(response instanceof Error ? response.message : `${response.status} ${await response.text()}`);
    }
  };
  const all = Promise.all(Array.from({ length: clients }, one));
  return {
    answers,
    async end(): Promise<readonly string[]> {
      going = false;
      await all;
      return answers;
    },
  };
}

describe("a changed config file", () => {
  for (const layout of ["file", "configmap"] as const) {
    test(`holds for new requests within a second, and no request is lost on the way: a ${layout}`, async () => {
      await using pods = await startPods(2);
      await using gateway = await serve(toPod(pods, 0), { layout });
      const clients = load(gateway);
      await until(() => clients.answers.length > 20, { message: "the load runs" });
      await gateway.writeConfig(toPod(pods, 1));
      await untilAnswered(gateway, "pod-2");
      await gateway.writeConfig(toPod(pods, 0));
      await untilAnswered(gateway, "pod-1");
      const answers = await clients.end();
      assertEquals(new Set(answers), new Set(["200 pod-1", "200 pod-2"]));
    });
  }

  test("lets a request that is under way finish as it began", async () => {
    const arrived = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    await using pods = await startPods(2, {
      async answer(request, pod) {
        if (new URL(request.url).pathname === "/slow") {
          arrived.resolve();
          await finish.promise;
        }
        return new Response(pod);
      },
    });
    await using gateway = await serve(toPod(pods, 0));
    const slow = gateway.fetch("/slow");
    await arrived.promise;
    await gateway.writeConfig(toPod(pods, 1));
    await untilAnswered(gateway, "pod-2");
    finish.resolve();
    assertEquals(await (await slow).text(), "pod-1");
  });

  test("that is invalid is reported with file, line and column, and the one before stays", async () => {
    await using pods = await startPods(2);
    await using gateway = await serve(toPod(pods, 0));
    await gateway.writeConfig("routes:\n  - path: 5\n    servce: a/b\n");
    const first = await logged(gateway, /gateway\.yaml:2:11: routes\[0\]\.path/);
    assertEquals(JSON.parse(first).level, "ERROR");
    await logged(gateway, /gateway\.yaml:3:5: routes\[0\]\.servce/);
    await logged(gateway, "the one before stays in force");
    assertEquals(await ask(gateway), "pod-1");
    await gateway.writeConfig("routes: [");
    await logged(gateway, /gateway\.yaml:1:\d+: (?!routes\[)/);
    await gateway.writeConfig(toPod(pods, 1));
    await untilAnswered(gateway, "pod-2");
  });

  test("that cannot be read, or is gone, leaves everything as it is until it is back", async () => {
    await using pods = await startPods(2);
    await using gateway = await serve(toPod(pods, 0));
    await rm(gateway.configFile);
    await logged(gateway, "cannot be read");
    assertEquals(await ask(gateway), "pod-1");
    await gateway.writeConfig(toPod(pods, 1));
    await untilAnswered(gateway, "pod-2");
  });

  for (const [what, text] of [
    ["empty, as a command that failed leaves it", ""],
    ["comments only", "# routes:\n#   - path: /\n"],
    ["a null", "null\n"],
    ["cut off before its routes", 'server: { listen: "127.0.0.1:0" }\nadmin: { listen: "127.0.0.1:0" }\n'],
    ["cut off at its routes", "server: { listen: 127.0.0.1:0 }\nroutes:\n"],
  ] as const) {
    test(`that is ${what} is refused, and the one before stays`, async () => {
      await using pods = await startPods(2);
      await using gateway = await serve(toPod(pods, 0));
      const clients = load(gateway, 2);
      await gateway.writeConfig(text);
      await logged(gateway, "the one before stays in force");
      const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
      assertMatch(metrics, /podway_config_last_reload_successful 0/);
      await gateway.writeConfig(toPod(pods, 1));
      await untilAnswered(gateway, "pod-2");
      assertEquals(new Set(await clients.end()), new Set(["200 pod-1", "200 pod-2"]));
    });
  }

  test("that a command's redirection emptied as the command failed is refused, and the one before stays", async () => {
    await using pods = await startPods(1);
    await using gateway = await serve(toPod(pods, 0));
    const clients = load(gateway, 2);
    const line = '"$BUN" "$MAIN" import ocelot ./nofile.json > gateway.yaml';
    const env = { ...process.env, BUN: process.execPath, MAIN };
    const child = Bun.spawn(["sh", "-c", line], { cwd: gateway.folder, env, stdout: "ignore", stderr: "pipe" });
    const [code, said] = await Promise.all([child.exited, new Response(child.stderr).text()]);
    assertEquals([code, said], [2, "podway import: there is no file ./nofile.json\n"]);
    await logged(gateway, "the one before stays in force");
    assertEquals(new Set(await clients.end()), new Set(["200 pod-1"]));
  });

  test("that has an empty list of routes, or no routes before either, is taken over", async () => {
    await using pods = await startPods(1);
    await using gateway = await serve(toPod(pods, 0));
    const inForce = (): number => gateway.stderr.filter((line) => line.includes("is in force")).length;
    await gateway.writeConfig("routes: []\n");
    await until(() => inForce() === 1, { message: "an empty list is meant" });
    await gateway.writeConfig("server: { via: true }\n");
    await until(() => inForce() === 2, { message: "there was no route to lose" });
  });

  test("says of what it listens on that a restart is needed, and takes the rest of the change over", async () => {
    await using pods = await startPods(2);
    await using gateway = await serve(toPod(pods, 0));
    await gateway.writeConfig({ ...toPod(pods, 1), server: { listen: "127.0.0.1:1" }, admin: { token: "new" } });
    await untilAnswered(gateway, "pod-2");
    await logged(gateway, /server\.listen changed: this takes effect at the next start/);
    await logged(gateway, /admin changed: this takes effect at the next start/);
  });

  test("has the hash of what is in force: what waits for a restart is not in it, nor in the config that is shown", async () => {
    await using pods = await startPods(2);
    const changed = (index: number, server: object): object => ({ ...toPod(pods, index), server });
    await using gateway = await serve(changed(0, { zone: "here" }));
    const hashOf = async (): Promise<string> => {
      const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
      return /^podway_config_hash (\d+)$/m.exec(text)![1]!;
    };
    const started = await hashOf();
    await gateway.writeConfig(changed(0, { zone: "there", http2: false }));
    await logged(gateway, /server\.zone changed: this takes effect at the next start/);
    await until(async () => (await hashOf()) === started, { message: "the hash is of what is in force" });
    await gateway.writeConfig(changed(1, { zone: "there", http2: false }));
    await untilAnswered(gateway, "pod-2");
    const second = await hashOf();
    assert(second !== started);
    assert(!gateway.stderr.slice(-1)[0]!.includes("server.zone"), "what still waits is not said again");
    await using other = await serve(changed(1, { zone: "here" }));
    const text = await (await fetch(`${other.adminUrl}/metrics`)).text();
    assertStringIncludes(text, `podway_config_hash ${second}\n`);
    assertEquals((await gateway.admin("/v1/config")).config.server.http2, true);
  });

  test("is read again at SIGHUP, also where nobody saw it change", async () => {
    await using gateway = await serve({ routes: [] });
    await gateway.writeConfig("nonsense: 1\n");
    const complaints = (): number => gateway.stderr.filter((line) => line.includes("stays in force")).length;
    await until(() => complaints() > 0, { message: "the change is seen" });
    const before = complaints();
    gateway.signal("SIGHUP");
    await until(() => complaints() > before, { message: "it was read again" });
  });
});

describe("changed settings of a cluster", () => {
  test("keep the nodes known before until the new client has its first list", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(1);
    api.api.apply(slice("web", [pods.all[0]!.ip], pods.port));
    const config = (settings: object) => oneCluster(api, [{ service: "web", timeouts: { response: 3000 } }], settings);
    await using gateway = await serve(config({}));
    const clients = load(gateway, 2);
    const weight = async (): Promise<number> =>
      (await gateway.admin("/v1/discovery/kubernetes/nodes?service=default/web:http")).nodes[0]?.weight;
    const lists = (): number => api.api.requests.filter(({ verb }) => verb === "list").length;
    const listed = lists();
    const release = api.api.faults.add({ match: { verb: "list" }, effect: { kind: "status", code: 503 } });
    await gateway.writeConfig(config({ default_weight: 7 }));
    await until(() => lists() > listed, { message: "the new client lists" });
    assertEquals(await weight(), 50);
    release();
    await until(async () => (await weight()) === 7, { message: "the new settings hold" });
    await until(() => api.api.openWatches.length === 1, { message: "the old client's watch is closed" });
    assertEquals(new Set(await clients.end()), new Set(["200 pod-1"]));
  });

  test("that never work leave the old ones in force, and the log says why", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2);
    const [one, two] = pods.all.map(({ ip }) => ip) as [string, string];
    api.api.apply(slice("web", [one], pods.port));
    const routes = [{ service: "web" }];
    await using gateway = await serve(oneCluster(api, routes));
    const port = await closedPort();
    await gateway.writeConfig(oneCluster(api, routes, { service: { schema: "http", host: "127.0.0.1", port } }));
    await logged(gateway, "connection refused");
    assertEquals(await ask(gateway), "pod-1");
    api.api.apply(slice("web", [two], pods.port));
    await untilAnswered(gateway, "pod-2");
    assertEquals((await fetch(`${gateway.adminUrl}/readyz`)).status, 200);
  });
});

describe("a changed list of clusters", () => {
  test("follows one that is added from its first request on, and lets go of one that is removed", async () => {
    await using old = await serveEmbedded();
    await using added = await serveEmbedded();
    await using pods = await startPods(2);
    const [one, two] = pods.all.map(({ ip }) => ip) as [string, string];
    old.api.apply(slice("web", [one], pods.port));
    added.api.apply(slice("web", [two], pods.port));
    added.api.faults.add({ match: { verb: "list" }, times: 1, effect: { kind: "delay", ms: 200 } });
    const cluster = (id: string, api: typeof old) => ({ id, ...clusterBlock(api) });
    const routes = [
      { path: "/old", service: "old/default/web" },
      { path: "/added", service: "added/default/web" },
    ];
    const config = (...kubernetes: object[]) => ({ discovery: { kubernetes }, routes });
    const status = async (path: string): Promise<number> => {
      const response = await gateway.fetch(path);
      await response.body?.cancel();
      return response.status;
    };
    await using gateway = await serve({ ...config(cluster("old", old)), routes: routes.slice(0, 1) });
    assertEquals([await status("/old"), await status("/added")], [200, 404]);
    await gateway.writeConfig(config(cluster("old", old), cluster("added", added)));
    const answers: number[] = [];
    await until(async () => answers.push(await status("/added")) && answers.at(-1) === 200, {
      timeout: WITHIN_MS,
      interval: 5,
      message: () => `the added cluster serves: ${answers}`,
    });
    assertEquals(new Set(answers), new Set([404, 200]), "the first list is waited for");
    await gateway.writeConfig({ ...config(cluster("added", added)), routes: routes.slice(1) });
    await until(() => old.api.openWatches.length === 0, { message: "the removed cluster is no longer watched" });
    assertEquals([await status("/old"), await status("/added")], [404, 200]);
    assertEquals(added.api.openWatches.length, 1);
  });
});

describe("a token file", () => {
  test("is read anew when it is rotated, without a failed request to the apiserver", async () => {
    const folder = await mkdtemp(join(tmpdir(), "podway-token-"));
    try {
      const file = join(folder, "token");
      await writeFile(file, "first-token\n");
      await using api = await serveEmbedded({ requireToken: "first-token" });
      api.api.apply(slice("web", ["10.0.0.1"], 80));
      await using gateway = await serve(oneCluster(api, [], { client: { token_file: file } }));
      api.api.settings.requireToken = ["first-token", "second-token"];
      await writeFile(file, "second-token\n");
      const bearer = (): string | null | undefined => api.api.requests.at(-1)?.headers.get("authorization");
      await until(
        () => {
          for (const watch of api.api.openWatches) watch.bookmark();
          for (const watch of api.api.openWatches) watch.end();
          return bearer() === "Bearer second-token";
        },
        { timeout: 3000, message: "the new token is used" },
      );
      api.api.settings.requireToken = "second-token";
      for (const watch of api.api.openWatches) watch.end();
      api.api.apply(slice("web", ["10.0.0.1", "10.0.0.2"], 80));
      const path = "/v1/discovery/kubernetes/nodes?service=default/web:http";
      await until(async () => (await gateway.admin(path)).nodes.length === 2, { message: "the change arrives" });
      const [cluster] = (await gateway.admin("/v1/discovery/kubernetes/status")).clusters;
      assertEquals([cluster.state, cluster.lastError], ["watching", null]);
      assert(!gateway.stderr.some((line) => line.includes("credentials")));
      assertMatch(gateway.stdout[0]!, /ready/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
