import { afterAll, beforeAll, describe, test } from "bun:test";
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import type { GatewayProcess } from "../helpers/gateway-process.ts";
import { type AuditedRequest, type RealCluster, useCluster } from "./harness/cluster.ts";
import {
  blockOf,
  gatewayWith,
  hostsOf,
  nodesOf,
  problemCode,
  statusOf,
  untilHosts,
  untilState,
} from "./harness/gateway.ts";
import { endpointSlice, endpoints, namespace } from "./harness/manifests.ts";
import { type Pod, startPod } from "./harness/pods.ts";
import { failuresOf, startTraffic } from "./harness/traffic.ts";
import { createToken, tokenWithRights } from "./harness/users.ts";

const PORTS = [{ name: "http", port: 8080 }];
const IDS = ["endpoints", "slices", "polled"];
const USER = "system:serviceaccount:default:faults";
/** Milliseconds the apiserver stays away. */
const OUTAGE_MS = 10_000;
/** The longest pause between two tries (30 s), and a little. */
const RECOVERY_MS = 45_000;

let fragile: RealCluster;
let gateway: GatewayProcess;
let pod: Pod;

async function serve(name: string, ips: readonly string[]): Promise<void> {
  await fragile.apply(
    endpoints("faults", name, ips, PORTS),
    endpointSlice(await fragile.sliceVersion(), "faults", name, "1", ips, PORTS),
  );
}

async function untilHostsEverywhere(name: string, hosts: readonly string[]): Promise<void> {
  for (const id of IDS) await untilHosts(gateway, `${id}/faults/${name}:http`, hosts, RECOVERY_MS);
}

/** The gateway's lists and watches of one kind of object since the `from`th request in the audit log. */
async function requestsFor(resource: string, from = 0): Promise<AuditedRequest[]> {
  return (await fragile.requestsOf(USER)).slice(from).filter(({ path }) => path.endsWith(`/${resource}`));
}

/** What the apiserver answers to a watch the gateway opened, asked again here: its first bytes. */
async function watchFrom(request: AuditedRequest): Promise<string> {
  const answer = await fetch(`${fragile.url}${request.path}?${request.query}`, {
    headers: { authorization: `Bearer ${await createToken(fragile, "default", "faults")}` },
    tls: { ca: Bun.file(fragile.ca) },
    signal: AbortSignal.timeout(10_000),
  });
  const { value } = await answer.body!.getReader().read();
  return new TextDecoder().decode(value);
}

beforeAll(async () => {
  fragile = await useCluster("fragile");
  await fragile.apply(namespace("faults"));
  pod = await startPod("10.244.0.90", "steady");
  await serve("web", ["10.244.0.90"]);
  await serve("doomed", ["10.244.0.91"]);
  const block = blockOf(fragile, { token: await tokenWithRights(fragile, "faults") });
  gateway = await gatewayWith(
    [
      { ...block, id: "endpoints" },
      { ...block, id: "slices", watch_endpoint_slices: true },
      { ...block, id: "polled", mode: "poll", poll_interval: 500 },
    ],
    { routes: [{ path: "/", service: "endpoints/faults/web:http" }] },
  );
  await untilHostsEverywhere("web", ["10.244.0.90"]);
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
  await pod?.kill();
});

describe("an apiserver that is killed with -9 for 10 s", () => {
  test("changes no node and fails no request; the state says so, and later changes arrive", async () => {
    for (const id of ["endpoints", "slices"]) await untilState(gateway, "watching", { id });
    const before = (await fragile.requestsOf(USER)).length;
    const traffic = startTraffic(`${gateway.url}/`, 50);
    await fragile.killApiserver();
    const killedAt = performance.now();
    for (const id of IDS) {
      const status = await untilState(gateway, "unreachable", { id });
      assert(status.lastError !== null, `cluster ${id} says why`);
      assertEquals(status.stale, true, `cluster ${id} is stale`);
    }
    while (performance.now() - killedAt < OUTAGE_MS) {
      for (const id of IDS) {
        assertEquals(await hostsOf(gateway, `${id}/faults/web:http`), ["10.244.0.90"]);
        assertEquals(await hostsOf(gateway, `${id}/faults/doomed:http`), ["10.244.0.91"]);
      }
      await traffic.more(10);
    }
    assertEquals((await gateway.admin("/readyz")).status, 200);

    await fragile.startApiserver();
    await serve("web", ["10.244.0.90", "10.244.0.92"]);
    await untilHostsEverywhere("web", ["10.244.0.90", "10.244.0.92"]);
    await serve("web", ["10.244.0.90"]);
    await untilHostsEverywhere("web", ["10.244.0.90"]);
    // Requests to 10.244.0.92, where nobody listens, went to the other address instead.
    assertEquals(failuresOf(await traffic.stop()), []);
    for (const [id, state] of [
      ["endpoints", "watching"],
      ["slices", "watching"],
      ["polled", "polling"],
    ] as const) {
      const { lastError, stale } = await untilState(gateway, state, { id, timeout: RECOVERY_MS });
      assertEquals({ lastError, stale }, { lastError: null, stale: false }, `cluster ${id}`);
    }

    // Its version was still good, so there was nothing to list again.
    for (const resource of ["endpoints", "endpointslices"]) {
      const watches = (await requestsFor(resource, before)).filter(({ verb }) => verb === "watch");
      assert(watches.length > 0, `${resource} are watched again`);
    }
    const lists = (await requestsFor("endpointslices", before)).filter(({ verb }) => verb === "list");
    assertEquals(lists, []);
  }, 120_000);
});

describe("an etcd that was compacted while nobody watched", () => {
  test("answers the old version with a real 410, and what changed meanwhile is listed again", async () => {
    for (const id of ["endpoints", "slices"]) await untilState(gateway, "watching", { id });
    const before = (await fragile.requestsOf(USER)).length;
    gateway.signal("SIGSTOP");
    await fragile.killApiserver();
    await fragile.startApiserver();
    await serve("web", ["10.244.0.90", "10.244.0.93"]);
    await fragile.kubectl("delete", "endpoints/doomed", "endpointslice/doomed-1", "-n", "faults");
    const compacted = await fragile.compact();
    gateway.signal("SIGCONT");
    await untilHostsEverywhere("web", ["10.244.0.90", "10.244.0.93"]);
    await untilHostsEverywhere("doomed", []);
    for (const id of IDS) {
      assertEquals((await nodesOf(gateway, `${id}/faults/doomed:http`)).code, "service_unknown", `code in ${id}`);
    }

    for (const resource of ["endpoints", "endpointslices"]) {
      const requests = await requestsFor(resource, before);
      const version = (request: AuditedRequest): number => Number(request.query.get("resourceVersion") ?? "0");
      const expired = requests.filter((request) => request.verb === "watch" && version(request) < compacted);
      assertEquals(expired.length, 1, `the expired version of ${resource} is sent once: ${JSON.stringify(requests)}`);
      assertStringIncludes(await watchFrom(expired[0]!), '"code":410');
      const next = requests.slice(requests.indexOf(expired[0]!) + 1).find(({ verb }) => verb === "list");
      assert(next !== undefined, `${resource} are listed after that`);
      assert(version(next) === 0 || version(next) >= compacted, `the list does not ask for the expired version`);
    }
    await serve("web", ["10.244.0.90"]);
    await untilHostsEverywhere("web", ["10.244.0.90"]);
    for (const id of ["endpoints", "slices"]) assertEquals((await statusOf(gateway, id)).lastError, null);
  }, 120_000);
});

describe("an apiserver that comes up after the gateway", () => {
  test("is told as unreachable, requests are answered 503 not_synced at once, and its nodes arrive by themselves", async () => {
    await serve("web", ["10.244.0.90"]);
    const token = await createToken(fragile, "default", "faults");
    await fragile.killApiserver();
    await using early = await gatewayWith(
      { ...blockOf(fragile, { token }), required: false },
      { routes: [{ path: "/", service: "faults/web:http" }] },
    );
    await untilState(early, "unreachable");
    const began = performance.now();
    const answer = await early.fetch("/");
    assertEquals([answer.status, await problemCode(answer)], [503, "not_synced"]);
    assertLess(performance.now() - began, 2000);
    await fragile.startApiserver();
    await untilHosts(early, "faults/web:http", ["10.244.0.90"], RECOVERY_MS);
    assertEquals((await early.fetch("/")).status, 200);
    await untilState(early, "watching");
  }, 120_000);
});
