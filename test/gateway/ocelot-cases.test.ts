import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import table from "../fixtures/cases/ocelot-cases.json" with { type: "json" };
import { closedPort } from "../helpers/closed-port.ts";
import { type ServedApiserver, serveEmbedded } from "../helpers/embedded.ts";
import { type GatewayProcess, startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { endpoints, oneCluster } from "./objects.ts";
import { type Pods, startPods } from "./pods.ts";
import { type ServedGateway, serve } from "./support.ts";

interface Case {
  id: string;
  input: {
    backends: number;
    concurrent_requests: number;
    backends_removed_under_load?: number;
    remove_at_api_call?: number;
    route_scheme?: string;
    /** Ocelot's providers: Kube, PollKube and WatchKube. */
    discovery?: ("get" | "poll" | "watch")[];
  };
  expect: {
    status?: number;
    backend_calls?: number;
    total_backend_calls: number;
    calls_per_backend_min?: number;
    calls_per_backend_max?: number;
  };
}

const cases = table.cases as unknown as Case[];
const byId = (id: string): Case => cases.find((one) => one.id === id)!;

/** Our names of Ocelot's providers. */
const MODES = { get: "request", poll: "poll", watch: "watch" } as const;
type Mode = (typeof MODES)[keyof typeof MODES];

const webAt = (pods: Pods, from = 0): object =>
  endpoints(
    "web",
    pods.all.slice(from).map(({ ip }) => ip),
    pods.port,
  );

/** Bun's fetch has 256 requests in flight at most, and a gateway in the test's own process shares them with the client. */
const OWN_PROCESS_FROM = 200;

const followProcess = (api: ServedApiserver, mode: Mode): Promise<GatewayProcess> =>
  startGateway({
    config: {
      server: { listen: "127.0.0.1:0" },
      admin: false,
      ...oneCluster(api, [{ service: "web" }], { mode, watch_endpoint_slices: false }),
    },
    env: { BUN_CONFIG_MAX_HTTP_REQUESTS: "65336" },
  });

const follow = (api: ServedApiserver, mode: Mode, route: object = { service: "web" }): Promise<ServedGateway> =>
  serve(oneCluster(api, [route], { mode, watch_endpoint_slices: false, client: { token: "provided-token" } }));

async function get(gateway: Pick<ServedGateway, "fetch">): Promise<string> {
  const response = await gateway.fetch("/");
  assertEquals(response.status, 200);
  return await response.text();
}

const getAtOnce = (gateway: Pick<ServedGateway, "fetch">, count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, () => get(gateway)));

describe("Ocelot's end-to-end cases", () => {
  for (const provider of byId("e2e-basic").input.discovery!) {
    test(`e2e-basic holds in mode ${MODES[provider]}, with the configured token`, async () => {
      await using api = await serveEmbedded({ requireToken: "provided-token" });
      await using pods = await startPods(1);
      api.api.apply(endpoints("shop/web", [pods.all[0]!.ip], pods.port));
      await using gateway = await follow(api, MODES[provider], { service: "web", namespace: "shop" });
      assertEquals([await get(gateway), pods.received.length], ["pod-1", 1]);
      const sent = api.api.requests.map(({ headers }) => headers.get("authorization"));
      assertEquals(new Set(sent), new Set(["Bearer provided-token"]));
    });
  }

  for (const id of ["e2e-port-name-none", "e2e-port-name-http"]) {
    const { input, expect } = byId(id);
    test(`${id} holds: ${expect.status} for the scheme "${input.route_scheme}"`, async () => {
      await using api = await serveEmbedded();
      await using pods = await startPods(1);
      const { ip } = pods.all[0]!;
      const ports = [
        { name: "https", port: await closedPort(ip) },
        { name: "http", port: pods.port },
      ];
      api.api.apply(endpoints("web", [ip], ports));
      const scheme = input.route_scheme === "" ? {} : { scheme: input.route_scheme };
      await using gateway = await follow(api, "watch", { service: "web", ...scheme });
      const response = await gateway.fetch("/api/example/1");
      await response.body?.cancel();
      assertEquals([response.status, pods.received.length], [expect.status!, expect.backend_calls!]);
    });
  }

  const stable = cases.filter(({ id }) => /^e2e-rr-\d+$/.test(id));
  for (const { id, input, expect } of stable) {
    for (const provider of input.discovery!) {
      test(`${id} holds in mode ${MODES[provider]}: ${input.concurrent_requests} at once over ${input.backends}`, async () => {
        await using api = await serveEmbedded();
        await using pods = await startPods(input.backends);
        api.api.apply(webAt(pods));
        const { concurrent_requests: requests } = input;
        const start = requests < OWN_PROCESS_FROM ? follow : followProcess;
        await using gateway = await start(api, MODES[provider]);
        await getAtOnce(gateway, requests);
        const calls = pods.all.map(({ received }) => received.length);
        assertEquals(pods.received.length, expect.total_backend_calls);
        assert(Math.min(...calls) >= expect.calls_per_backend_min!, `fewest: ${calls}`);
        assert(Math.max(...calls) <= expect.calls_per_backend_max!, `most: ${calls}`);
      });
    }
  }

  const unstable = cases.filter(({ id }) => id.startsWith("e2e-rr-unstable"));
  for (const { id, input, expect } of unstable) {
    const { backends_removed_under_load: removed = 0, remove_at_api_call: at = 0 } = input;
    test(`${id} holds: ${removed} of ${input.backends} leave under load`, async () => {
      await using api = await serveEmbedded();
      let served = 0;
      await using pods: Pods = await startPods(input.backends, {
        answer(_request, pod) {
          // Requests that ask at once share a call, so it is a request that is counted here.
          if (++served === at) api.api.apply(webAt(pods, removed));
          return new Response(pod);
        },
      });
      api.api.apply(webAt(pods));
      await using gateway = await follow(api, "request");
      await getAtOnce(gateway, input.concurrent_requests);
      assertEquals(pods.received.length, expect.total_backend_calls);
      const staying = new Set(pods.all.slice(removed).map(({ name }) => name));
      assertEquals(new Set(await getAtOnce(gateway, 10)), staying);
    });
  }

  test("e2e-watch-update holds: ten from A, an event, ten from B, one watch", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2);
    const only = (index: number): object => endpoints("web", [pods.all[index]!.ip], pods.port);
    api.api.apply(only(0));
    await using gateway = await follow(api, "watch");
    assertEquals(await getAtOnce(gateway, 10), Array(10).fill("pod-1"));
    api.api.apply(only(1));
    const { resourceVersion } = api.api;
    await until(
      async () => {
        const { clusters } = await gateway.admin("/v1/discovery/kubernetes/status");
        return clusters[0].resourceVersion === resourceVersion;
      },
      { timeout: 1000, interval: 5, message: "the event is taken" },
    );
    assertEquals(await getAtOnce(gateway, 10), Array(10).fill("pod-2"));
    assertEquals(api.api.requests.filter(({ verb }) => verb === "watch").length, 1);
  });

  test("all of the cases are here", () => {
    assertEquals([stable.length, unstable.length], [10, 4]);
  });
});
