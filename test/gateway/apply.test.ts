import { test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { createCluster } from "../../src/discovery/cluster.ts";
import { apiserverFeed } from "../../src/discovery/feeds/apiserver.ts";
import { connectionOver, slice } from "../discovery/support.ts";
import { embedded } from "../helpers/embedded.ts";
import { seededRandom } from "../helpers/random.ts";
import { until } from "../helpers/wait.ts";
import { startGatewayRig } from "./rig.ts";

const cluster = (id: string, more: object = {}): object => ({
  id,
  service: { host: "apiserver.test", port: 443 },
  watch_endpoint_slices: true,
  ...more,
});
const routes = [{ id: "r", path: "/", service: "a/default/web:http" }];
const otlp = { otlp_endpoint: "http://127.0.0.1:4318/v1/traces" };

test("a config that cannot be compiled changes nothing: clusters, routes, exporter and settings are those before", async () => {
  const api = embedded();
  api.apply(slice("web", [{ addresses: ["10.0.0.1"] }]));
  await using rig = startGatewayRig(
    { discovery: { kubernetes: [cluster("a"), cluster("b")] }, routes, server: { access_log: false }, tracing: otlp },
    async (url) => new Response(new URL(url).host),
    {
      createCluster: (settings) =>
        createCluster(settings, apiserverFeed({ connect: async () => connectionOver(api.fetch) }), {
          clock: systemClock,
          random: seededRandom(),
          logger: silentLogger,
        }),
      userMiddleware: () => {
        throw new Error("its function throws");
      },
    },
  );
  const ids = (): string[] => rig.gateway.status().map(({ id }) => id);
  await until(() => rig.gateway.readiness().ready, "both clusters are known");
  const watches = api.openWatches.length;
  const before = [ids(), rig.gateway.dump(), rig.gateway.routes()];

  // One cluster is gone, one is changed, one is new, and the tracing is another; then a route's module fails.
  assertThrows(
    () =>
      rig.apply({
        discovery: { kubernetes: [cluster("a", { default_weight: 7 }), cluster("c")] },
        routes: [{ ...routes[0], middleware: [{ use: "./mine.ts" }] }],
        server: { access_log: false },
        tracing: { ...otlp, sample: 0.5 },
      }),
    Error,
    "its function throws",
  );

  assertEquals([ids(), rig.gateway.dump(), rig.gateway.routes()], before);
  assertEquals(
    rig.tracings.filter(({ stopped }) => stopped === 0).length,
    1,
    "the exporter before goes on, and no other was made",
  );
  await until(() => api.openWatches.length === watches, "what was begun for the refused config has ended");
  // What is followed still arrives.
  api.apply(slice("web", [{ addresses: ["10.0.0.2"] }]));
  await until(async () => (await (await rig.ask("/")).text()).startsWith("10.0.0.2"), "the change is used");
  // And the next config that is good is put in force as if there had been none in between.
  rig.apply({ discovery: { kubernetes: [cluster("b")] }, routes: [], server: { access_log: false } });
  assertEquals(ids(), ["b"]);
  api.close();
});
