import { beforeAll, describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { type RealCluster, useCluster } from "./harness/cluster.ts";
import { blockOf, gatewayWith, untilHosts } from "./harness/gateway.ts";
import { endpointSlice, endpoints, namespace } from "./harness/manifests.ts";
import { startPod } from "./harness/pods.ts";
import { failuresOf, startTraffic } from "./harness/traffic.ts";
import { tokenWithRights } from "./harness/users.ts";

const PORTS = [{ name: "http", port: 8080 }];
const PER_SECOND = 200;
const [A, B, C] = ["10.244.0.80", "10.244.0.81", "10.244.0.82"] as const;

let release: RealCluster;
let token: string;

beforeAll(async () => {
  release = await useCluster("release");
  await release.apply(namespace("traffic"));
  token = await tokenWithRights(release, "traffic");
}, 120_000);

/** What is the same for Endpoints and EndpointSlices, but for the object that kubectl writes. */
async function addAndRemoveUnderTraffic(
  kubernetes: object,
  service: string,
  write: (ips: readonly string[]) => Promise<void>,
): Promise<void> {
  await using a = await startPod(A, "a");
  await using b = await startPod(B, "b");
  await write([A, B]);
  await using gateway = await gatewayWith(kubernetes, { routes: [{ path: "/", service }] });
  await untilHosts(gateway, service, [A, B]);
  const traffic = startTraffic(`${gateway.url}/`, PER_SECOND);
  await traffic.more(400);

  await using c = await startPod(C, "c");
  await write([A, B, C]);
  await untilHosts(gateway, service, [A, B, C]);
  const addedAt = performance.now();
  await traffic.more(600);

  await write([B, C]);
  await untilHosts(gateway, service, [B, C]);
  const removedAt = performance.now();
  // The pod may go the moment the gateway knows.
  await a.kill();
  await traffic.more(600);

  // Its address comes back with another pod behind it.
  await using again = await startPod(A, "a2");
  await write([A, B, C]);
  await untilHosts(gateway, service, [A, B, C]);
  const backAt = performance.now();
  await traffic.more(400);
  const sent = await traffic.stop();

  assertEquals(failuresOf(sent), []);
  assert(sent.length >= 2000, `${sent.length} requests were sent`);
  const after = (time: number): Set<string | undefined> =>
    new Set(sent.filter(({ at }) => at > time).map(({ pod }) => pod));
  assert(after(addedAt).has(c.name), "the added pod got requests");
  assertEquals(
    sent.filter(({ at, pod }) => at > removedAt && pod === a.name),
    [],
  );
  assertEquals(after(backAt), new Set([again.name, b.name, c.name]));
}

describe("under 200 requests a second", () => {
  test("an address is added to Endpoints and removed from them without one failed request", async () => {
    await addAndRemoveUnderTraffic(blockOf(release, { token }), "traffic/web:http", (ips) =>
      release.apply(endpoints("traffic", "web", ips, PORTS)),
    );
  });

  test("an address is added to an EndpointSlice and removed from it without one failed request", async () => {
    const version = await release.sliceVersion();
    const block = { ...blockOf(release, { token }), watch_endpoint_slices: true };
    await addAndRemoveUnderTraffic(block, "traffic/sliced:http", (ips) =>
      release.apply(endpointSlice(version, "traffic", "sliced", "1", ips, PORTS)),
    );
  });
});
