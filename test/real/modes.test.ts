import { afterAll, beforeAll, describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { GatewayProcess } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { type RealCluster, useCluster } from "./harness/cluster.ts";
import { blockOf, gatewayWith, hostsOf, nodesOf, statusOf, untilHosts, untilState } from "./harness/gateway.ts";
import { endpointSlice, endpoints, namespace, READ_ENDPOINTS, READ_SLICES } from "./harness/manifests.ts";
import { type Pod, startPod } from "./harness/pods.ts";
import { tokenWithRights } from "./harness/users.ts";

const PORTS = [
  { name: "http", port: 8080 },
  { name: "metrics", port: 9100 },
];
const MODES = {
  watch: { mode: "watch" },
  poll: { mode: "poll", poll_interval: 200 },
  request: { mode: "request" },
  auto: { mode: "auto" },
};
const OBJECTS = { endpoints: {}, slices: { watch_endpoint_slices: true } };
const IDS = Object.keys(MODES).flatMap((mode) => Object.keys(OBJECTS).map((objects) => `${mode}-${objects}`));

/** Mode `request` asks for one Endpoints object by its name. */
const GET_ENDPOINTS = { ...READ_ENDPOINTS, verbs: ["get"] };

let release: RealCluster;
let gateway: GatewayProcess;
let pods: Pod[];

/** Writes the service as both kinds of object, the slices as two with one address in both. */
async function serve(name: string, ips: readonly string[]): Promise<void> {
  const version = await release.sliceVersion();
  const half = Math.ceil(ips.length / 2);
  await release.apply(
    endpoints("modes", name, ips, PORTS),
    endpointSlice(version, "modes", name, "1", ips.slice(0, half), PORTS),
    endpointSlice(version, "modes", name, "2", ips.slice(Math.max(0, half - 1)), PORTS),
  );
}

beforeAll(async () => {
  release = await useCluster("release");
  pods = await Promise.all([startPod("10.244.0.60", "one"), startPod("10.244.0.61", "two")]);
  await release.apply(namespace("modes"));
  await serve("web", ["10.244.0.60", "10.244.0.61"]);
  const block = blockOf(release, {
    token: await tokenWithRights(release, "modes", [READ_ENDPOINTS, READ_SLICES, GET_ENDPOINTS]),
  });
  gateway = await gatewayWith(
    Object.entries(MODES).flatMap(([mode, modeKeys]) =>
      Object.entries(OBJECTS).map(([objects, keys]) => ({ ...block, ...modeKeys, ...keys, id: `${mode}-${objects}` })),
    ),
    { routes: IDS.map((id) => ({ path: `/${id}`, service: `${id}/modes/web:http` })) },
  );
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
  await Promise.all((pods ?? []).map((pod) => pod.kill()));
});

/** What each mode and kind of object says of a reference, asked until all agree with what is expected. */
async function everywhere(reference: string, hosts: readonly string[]): Promise<void> {
  const expected = Object.fromEntries(IDS.map((id) => [id, hosts]));
  const found = async (): Promise<Record<string, string[]>> =>
    Object.fromEntries(await Promise.all(IDS.map(async (id) => [id, await hostsOf(gateway, `${id}/${reference}`)])));
  await until(async () => Bun.deepEquals(await found(), expected), {
    timeout: 15_000,
    message: async () => `all modes to find ${JSON.stringify(hosts)}, they find ${JSON.stringify(await found())}`,
  });
}

describe("watch, poll, request and auto mode, with Endpoints and with EndpointSlices", () => {
  test("give the same nodes", async () => {
    await everywhere("modes/web:http", ["10.244.0.60", "10.244.0.61"]);
    for (const id of IDS) {
      const { nodes } = await nodesOf(gateway, `${id}/modes/web:metrics`);
      assertEquals(nodes, [
        { host: "10.244.0.60", port: 9100, weight: 50 },
        { host: "10.244.0.61", port: 9100, weight: 50 },
      ]);
    }
  });

  test("say which of them they are", async () => {
    for (const [mode, state] of [
      ["watch", "watching"],
      ["poll", "polling"],
      ["request", "on_request"],
      ["auto", "watching"],
    ]) {
      await untilState(gateway, state!, { id: `${mode}-endpoints` });
      await untilState(gateway, state!, { id: `${mode}-slices` });
    }
  });

  test("send requests to both pods", async () => {
    for (const id of IDS) {
      const answers = await Promise.all(Array.from({ length: 4 }, () => gateway.fetch(`/${id}/x`)));
      const names = await Promise.all(answers.map(async (answer) => ((await answer.json()) as { pod: string }).pod));
      assertEquals(new Set(names), new Set(["one", "two"]), `pods that answered through ${id}`);
    }
  });

  test("follow an address that kubectl adds and removes", async () => {
    await serve("web", ["10.244.0.60", "10.244.0.61", "10.244.0.62"]);
    await everywhere("modes/web:http", ["10.244.0.60", "10.244.0.61", "10.244.0.62"]);
    await serve("web", ["10.244.0.60", "10.244.0.61"]);
    await everywhere("modes/web:http", ["10.244.0.60", "10.244.0.61"]);
  });

  test("follow a service that kubectl makes, empties, fills and deletes", async () => {
    await serve("brief", ["10.244.0.63"]);
    await everywhere("modes/brief:http", ["10.244.0.63"]);
    await serve("brief", []);
    await everywhere("modes/brief:http", []);
    await serve("brief", ["10.244.0.64"]);
    await everywhere("modes/brief:http", ["10.244.0.64"]);
    await release.kubectl("delete", "endpoints/brief", "endpointslice/brief-1", "endpointslice/brief-2", "-n", "modes");
    await everywhere("modes/brief:http", []);
    for (const id of IDS) {
      assertEquals((await nodesOf(gateway, `${id}/modes/brief:http`)).code, "service_unknown", `code in ${id}`);
    }
  });

  test("keep a slice's addresses when another slice of the service is deleted", async () => {
    await serve("union", ["10.244.0.65", "10.244.0.66", "10.244.0.67"]);
    await everywhere("modes/union:http", ["10.244.0.65", "10.244.0.66", "10.244.0.67"]);
    await release.kubectl("delete", "endpointslice/union-1", "-n", "modes");
    // union-1 held .65 and .66; union-2 holds .66 too.
    await untilHosts(gateway, "watch-slices/modes/union:http", ["10.244.0.66", "10.244.0.67"]);
    await untilHosts(gateway, "poll-slices/modes/union:http", ["10.244.0.66", "10.244.0.67"]);
    await untilHosts(gateway, "request-slices/modes/union:http", ["10.244.0.66", "10.244.0.67"]);
  });
});

describe("the apiserver's side", () => {
  test("watch mode lists once, watches with bookmarks, and asks nothing more for requests", async () => {
    const token = await tokenWithRights(release, "audited");
    await using audited = await gatewayWith(blockOf(release, { token }), {
      routes: [{ path: "/", service: "modes/web:http" }],
    });
    await untilHosts(audited, "modes/web:http", ["10.244.0.60", "10.244.0.61"]);
    await untilState(audited, "watching");
    for (let i = 0; i < 50; i++) assertEquals((await audited.fetch("/")).status, 200);
    const requests = await release.requestsOf("system:serviceaccount:default:audited");
    assertEquals(
      requests.map(({ verb }) => verb),
      ["list", "watch"],
    );
    const [list, watch] = requests;
    assertEquals(list!.query.get("limit"), "500");
    assertEquals(watch!.query.get("allowWatchBookmarks"), "true");
    const seconds = Number(watch!.query.get("timeoutSeconds"));
    assert(seconds >= 240 && seconds <= 290, `timeoutSeconds is ${seconds}`);
  });

  test("a cluster of more services than a page has is read page by page, all of it", async () => {
    const names = Array.from({ length: 1100 }, (_, i) => `many-${i}`);
    await release.apply(namespace("paged"));
    await release.create(
      ...names.map((name, i) => endpoints("paged", name, [`10.250.${i >> 8}.${i & 255}`], [{ port: 80 }])),
    );
    const token = await tokenWithRights(release, "paged");
    const block = blockOf(release, { token });
    await using gateway = await gatewayWith([
      { ...block, id: "watched" },
      { ...block, id: "polled", mode: "poll", poll_interval: 60_000 },
    ]);
    for (const id of ["watched", "polled"]) {
      await until(async () => (await statusOf(gateway, id)).services >= names.length, {
        message: async () => `${names.length} services, not ${JSON.stringify(await statusOf(gateway, id))}`,
      });
      for (const i of [0, 499, 500, 1099]) {
        assertEquals(await hostsOf(gateway, `${id}/paged/many-${i}:80`), [`10.250.${i >> 8}.${i & 255}`]);
      }
    }
    const lists = (await release.requestsOf("system:serviceaccount:default:paged")).filter(
      ({ verb }) => verb === "list",
    );
    assertEquals(lists.filter(({ query }) => query.has("continue")).length, 2 * 2, "pages after the first");
  });
});
