import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { silentLogger } from "../../src/base/log.ts";
import type { Config } from "../../src/config/schema.ts";
import { createGateway, type Gateway } from "../../src/gateway/gateway.ts";
import { createModules } from "../../src/middleware/modules.ts";
import { bunHost } from "../../src/platform/bun/host.ts";
import { bunRuntime } from "../../src/platform/bun/runtime.ts";
import { gatewayParts } from "../../src/server/gateway-parts.ts";
import { config } from "../config/support.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { memoryFiles } from "../helpers/memory-files.ts";
import { until } from "../helpers/wait.ts";
import { clusterBlock, slice } from "./objects.ts";

/** A gateway as a process has it, without the process: what it makes of each config is all there is. */
function gatewayOf(first: object) {
  const files = memoryFiles({ "ca.pem": "" });
  const gateway = createGateway({
    config: configOf(first),
    logger: silentLogger,
    ...gatewayParts({ runtime: bunRuntime, host: bunHost, files }, silentLogger),
    writeAccessLog: () => {},
  });
  return { gateway, files };
}

const configOf = (value: object): Config => config(JSON.stringify(value));

const ask = async (gateway: Gateway): Promise<number> =>
  (await gateway.handle(new Request("http://a.test/gone"), "127.0.0.1", "http")).status;

/** How many of the things that were given up are still held by something, once all that can go is gone. */
async function stillHeld(given: readonly WeakRef<object>[], allowed: number): Promise<number> {
  const held = (): number => given.filter((one) => one.deref() !== undefined).length;
  const collect = (): boolean => {
    Bun.gc(true);
    return held() <= allowed;
  };
  await until(collect, { message: () => `${held()} of ${given.length} are still held` });
  return held();
}

/** What a collection that reads the stack as it finds it may keep by chance, and the one in force. */
const BY_CHANCE = 5;

const node = { host: "127.0.0.1", port: 1 };

describe("what a reload replaces can be collected", () => {
  test("after a thousand reloads with everything that a config can have", async () => {
    await using api = await serveEmbedded();
    api.api.apply(slice("web", ["127.0.0.2"], 80));
    const turn = (n: number): object => ({
      discovery: { kubernetes: clusterBlock(api, { default_weight: n % 100 === 0 ? 50 + (n % 7) : 50 }) },
      routes: [
        { id: "kept", path: "/kept", nodes: [node], request_headers: { set: { "x-turn": String(n) } } },
        {
          id: `gone-${n}`,
          path: "/gone",
          services: [{ service: "web" }, { service: `none-${n}` }],
          retries: { attempts: 1 },
        },
        { id: "limited", path: "/limited", nodes: [node], middleware: [{ rate_limit: { limit: 5 } }] },
        {
          id: "sticky",
          path: "/sticky",
          nodes: [node, { ...node, port: 2 }],
          balancer: { sticky_cookie: { name: "s" } },
        },
        { id: "probed", path: "/probed", nodes: [node], health: { active: { path: "/", interval: 60_000 } } },
        { id: "away", path: "/away", redirect: { host: `h${n}.test` } },
      ],
      streams: [{ listen: "127.0.0.1:0", id: "stream", nodes: [node], health: { active: { interval: 60_000 } } }],
    });
    const { gateway } = gatewayOf(turn(0));
    await gateway.whenReady(AbortSignal.timeout(5000));
    const given: WeakRef<object>[] = [];
    for (let n = 1; n <= 1000; n++) {
      const next = configOf(turn(n));
      given.push(new WeakRef(next), new WeakRef(next.routes[0]!));
      gateway.apply(next);
      if (n % 100 === 0) await ask(gateway);
    }
    assert((await stillHeld(given, 2 * BY_CHANCE)) >= 2, "the one in force is held");
    assertEquals(
      gateway.counters
        .all()
        .map(({ route }) => route)
        .filter((route) => route.startsWith("gone")),
      ["gone-1000", "gone-1000"],
    );
    await gateway.stop();
  });

  test("where there are many routes", async () => {
    const turn = (n: number): object => ({
      routes: Array.from({ length: 500 }, (_, i) => ({
        id: `r${i}`,
        path: `/r${i}`,
        nodes: [node],
        request_headers: { set: { "x-turn": String(n) } },
      })),
    });
    const { gateway } = gatewayOf(turn(0));
    const given: WeakRef<object>[] = [];
    for (let n = 1; n <= 30; n++) {
      const next = configOf(turn(n));
      given.push(new WeakRef(next));
      gateway.apply(next);
    }
    await stillHeld(given, BY_CHANCE);
    await gateway.stop();
  });

  test("an upstream_tls that no route has any more, with the watch of its files", async () => {
    const routes = (...names: string[]): object => ({
      routes: names.map((server_name) => ({
        path: `/${server_name}`,
        scheme: "https",
        nodes: [node],
        upstream_tls: { ca_file: "ca.pem", server_name },
      })),
    });
    const { gateway, files } = gatewayOf(routes("a.test", "b.test"));
    const watches = files.watched().length;
    gateway.apply(configOf(routes("b.test")));
    assertEquals(files.watched().length, watches / 2);
    for (let n = 0; n < 1000; n++) gateway.apply(configOf(routes(`n${n}.test`, "b.test")));
    assertEquals(files.watched().length, watches);
    await gateway.stop();
  });

  test("the middleware of a module, with options that no route has any more", async () => {
    const routes = (n: number): object => ({
      routes: [{ path: "/", nodes: [node], middleware: [{ use: "./m.ts", options: { n } }] }],
    });
    const made: WeakRef<object>[] = [];
    const exports = {
      default: () => {
        const handler = (): undefined => undefined;
        made.push(new WeakRef(handler));
        return handler;
      },
    };
    const modules = createModules(
      {
        look: async (path) => ({ path, named: path, files: [], stamp: "" }),
        load: async (wanted) => wanted.map(() => ({ status: "fulfilled", value: exports })),
        explain: async (error) => String(error),
      },
      "gateway.yaml",
    );
    const load = async (n: number): Promise<Config> => {
      const next = configOf(routes(n));
      const { use, options } = next.routes[0]!.middleware[0]!;
      await modules.load([
        {
          use: use!,
          options,
          issue: () => {
            throw new Error("it loads");
          },
        },
      ]);
      modules.use();
      return next;
    };
    const files = memoryFiles();
    const gateway = createGateway({
      config: await load(0),
      logger: silentLogger,
      ...gatewayParts({ runtime: bunRuntime, host: bunHost, files }, silentLogger, modules),
    });
    for (let n = 1; n <= 200; n++) gateway.apply(await load(n));
    assertEquals(made.length, 201);
    await stillHeld(made, BY_CHANCE);
    await gateway.stop();
  });
});
