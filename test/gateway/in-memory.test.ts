import { describe, test } from "bun:test";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { createCluster } from "../../src/discovery/cluster.ts";
import { apiserverFeed } from "../../src/discovery/feeds/apiserver.ts";
import { connectionOver, slice as sliceOf } from "../discovery/support.ts";
import { embedded } from "../helpers/embedded.ts";
import { seededRandom } from "../helpers/random.ts";
import type { Send } from "../helpers/transport.ts";
import { until } from "../helpers/wait.ts";
import { startGatewayRig } from "./rig.ts";

const answering: Send = async (url) => new Response(new URL(url).host);

/** Answers when it is cancelled, as a fetch does. */
const never: Send = (_url, { controller }) =>
  new Promise((_resolve, reject) =>
    controller.signal.addEventListener("abort", () => reject(controller.signal.reason)),
  );

const CLUSTER = { service: { host: "apiserver.test", port: 443 }, watch_endpoint_slices: true };

const nodes = [{ host: "10.0.0.1", port: 1 }];

describe("a timeout of a route's middleware", () => {
  const route = (response: number | undefined, duration: number): object => ({
    id: "r",
    path: "/",
    nodes,
    retries: { attempts: 1 },
    ...(response === undefined ? {} : { timeouts: { response } }),
    middleware: [{ timeout: { duration } }],
  });

  for (const [response, duration, wanted] of [
    [undefined, 150, 150],
    [5000, 150, 150],
    [100, 150, 100],
    [0, 150, 150],
  ] as const) {
    test(`of ${duration} ms beside a response timeout of ${response ?? "the default"} ends after ${wanted} ms`, async () => {
      await using rig = startGatewayRig({ routes: [route(response, duration)] }, never);
      let status: number | undefined;
      const asked = rig.ask("/").then((answer) => {
        status = answer.status;
      });
      await rig.clock.advance(wanted - 1);
      assertEquals(status, undefined);
      await rig.clock.advance(1100);
      assertEquals(status, 504);
      await asked;
    });
  }

  test("lets a redirect through", async () => {
    const redirect = { id: "r", path: "/", redirect: { path: "/other" }, middleware: [{ timeout: { duration: 150 } }] };
    await using rig = startGatewayRig({ routes: [redirect] }, never);
    assertEquals((await rig.ask("/")).status, 302);
  });
});

describe("a sticky cookie", () => {
  const cookieOf = async (settings: object): Promise<string> => {
    const balancer = { sticky_cookie: { name: "at" } };
    await using rig = startGatewayRig({ routes: [{ id: "r", path: "/", balancer, ...settings }] }, answering);
    return (await rig.ask("/")).headers.get("set-cookie")!.split(";")[0]!;
  };

  test("names the address alone where the route has one service, and the service too where it has several", async () => {
    assertMatch(await cookieOf({ nodes }), /^at=[^.]+$/);
    await using api = embeddedCluster();
    await using rig = startGatewayRig(
      {
        discovery: { kubernetes: CLUSTER },
        routes: [
          {
            id: "r",
            path: "/",
            balancer: { sticky_cookie: { name: "at" } },
            services: [{ service: "web" }, { service: "other" }],
          },
        ],
      },
      answering,
      api.options,
    );
    await until(() => rig.gateway.readiness().ready, "the first list");
    assertMatch((await rig.ask("/")).headers.get("set-cookie")!, /^at=[^.;]+\.[^.;]+;/);
  });
});

describe("what is known of a cluster", () => {
  const services = { id: "r", path: "/", service: "web" };
  const configOf = (more: object = {}): object => ({
    discovery: { kubernetes: { ...CLUSTER, ...more } },
    routes: [services],
  });

  test("is answered at once while the first list has not come, unless it is asked for with each request", async () => {
    await using api = embeddedCluster();
    api.shut();
    await using rig = startGatewayRig(configOf({ required: false }), answering, api.options);
    const { nodes: found, code } = await rig.gateway.nodes("default/web", { verbose: false });
    assertEquals([found, code], [[], "not_synced"]);
    api.open();
    await using byRequest = embeddedCluster();
    await using other = startGatewayRig(configOf({ mode: "request" }), answering, byRequest.options);
    const answer = await other.gateway.nodes("default/web", { verbose: false });
    assertEquals(
      answer.nodes.map(({ host }) => host),
      ["10.1.0.1"],
    );
  });

  test("is shown with each cluster's settings, and nothing is shown where there is none", async () => {
    await using api = embeddedCluster();
    await using rig = startGatewayRig(configOf({ client: { token: "LEAK" } }), answering, api.options);
    await until(() => rig.gateway.readiness().ready, "the first list");
    const shown = JSON.stringify(rig.gateway.dump());
    assertStringIncludes(shown, "apiserver.test");
    assertEquals(shown.includes("LEAK"), false);
    await using none = startGatewayRig({ routes: [{ id: "r", path: "/", nodes }] }, answering);
    assertEquals(JSON.stringify(none.gateway.dump()).includes("apiserver"), false);
  });

  test("says that changed settings wait and why, until they are in force", async () => {
    await using api = embeddedCluster();
    await using rig = startGatewayRig(configOf(), answering, api.options);
    await until(() => rig.gateway.readiness().ready, "the first list");
    assertEquals(rig.gateway.status()[0]!.lastError, null);
    api.shut();
    rig.apply(configOf({ default_weight: 7 }));
    const [status] = rig.gateway.status();
    assertEquals(status!.state, "watching");
    assertStringIncludes(status!.lastError!, "the changed settings are not in force yet: ");
    assertEquals((await rig.ask("/")).status, 200);
    api.open();
    await until(() => rig.gateway.status()[0]!.lastError === null, "the changed settings are in force");
    const { nodes: found } = await rig.gateway.nodes("default/web", { verbose: false });
    assertEquals(
      found.map(({ weight }) => weight),
      [7],
    );
  });
});

describe("addresses that all fail", () => {
  const refusing: Send = () => Promise.reject(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
  /** How many of the two addresses of `web` are ejected at most, beside another service of that priority. */
  const mostEjected = async (web: number, other: number): Promise<number> => {
    await using api = embeddedCluster();
    api.api.apply([
      sliceOf("web-b", [{ addresses: ["10.1.0.11"] }], { service: "web" }),
      sliceOf("other-b", [{ addresses: ["10.1.0.12"] }], { service: "other" }),
    ]);
    const services = [
      { service: "web", priority: web },
      { service: "other", priority: other },
    ];
    const health = { passive: { failures: 1, eject: 600_000 } };
    const route = { id: "r", path: "/", services, health, retries: { attempts: 1 } };
    await using rig = startGatewayRig({ discovery: { kubernetes: CLUSTER }, routes: [route] }, refusing, api.options);
    await until(() => rig.gateway.readiness().ready, "the first list");
    let most = 0;
    for (let i = 0; i < 12; i++) {
      await rig.ask("/");
      const { nodes: found } = await rig.gateway.nodes("default/web", { verbose: true });
      most = Math.max(most, found.filter((node) => Object.hasOwn(node, "ejection")).length);
    }
    return most;
  };

  test("are ejected up to half of their service, and all of them where a lower priority stands by", async () => {
    assertEquals([await mostEjected(0, 0), await mostEjected(1, 0), await mostEjected(0, 1)], [1, 2, 1]);
  });
});

/** Clusters over an apiserver in memory, which can be kept from answering. */
function embeddedCluster() {
  const api = embedded();
  api.apply(
    ["web", "other"].map((service, i) => sliceOf(`${service}-a`, [{ addresses: [`10.1.0.${i + 1}`] }], { service })),
  );
  const gate = { open: true };
  const waiting = new Set<() => void>();
  const options: Parameters<typeof startGatewayRig>[2] = {
    createCluster: (settings) =>
      createCluster(
        settings,
        apiserverFeed({
          connect: async () =>
            connectionOver(async (input, init) => {
              if (!gate.open) {
                await new Promise<void>((resolve, reject) => {
                  waiting.add(resolve);
                  init?.signal?.addEventListener("abort", () => reject(init.signal!.reason));
                });
              }
              return api.fetch(input, init);
            }),
        }),
        { clock: systemClock, random: seededRandom(), logger: silentLogger },
      ),
  };
  return {
    api,
    options,
    shut() {
      gate.open = false;
    },
    open() {
      gate.open = true;
      for (const go of waiting) go();
    },
    async [Symbol.asyncDispose]() {
      api.close();
    },
  };
}
