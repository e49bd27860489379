import { beforeAll, describe, test } from "bun:test";
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { type RealCluster, useCluster } from "./harness/cluster.ts";
import { blockOf, gatewayWith, untilHosts } from "./harness/gateway.ts";
import { hey } from "./harness/hey.ts";
import { endpointSlice, namespace } from "./harness/manifests.ts";
import { type Pod, startPod } from "./harness/pods.ts";
import { tokenWithRights } from "./harness/users.ts";

const SERVICE = "rolling/web:http";
const PORTS = [{ name: "http", port: 8080 }];
const SECONDS = 70;
/** Milliseconds a pod takes for an answer: long enough that some are under way whenever one is killed. */
const THINKS = 10;
/** Milliseconds by which the endpoints lag behind a kill, one for each replacement. */
const LAGS = [5000, 1000, 5000, 0, 3000, 5000] as const;

/** A line of the gateway's log about a pod. */
interface PodTrouble {
  readonly failure: string;
  readonly upstream: string;
  readonly "@timestamp": string;
}

let release: RealCluster;
let token: string;
beforeAll(async () => {
  release = await useCluster("release");
  await release.apply(namespace("rolling"));
  token = await tokenWithRights(release, "rolling");
}, 120_000);

describe("a rolling restart under load, the endpoints up to 5 s late", () => {
  test("costs no GET, and of the POSTs only those a killed pod had been sent", async () => {
    const version = await release.sliceVersion();
    const pods: Pod[] = [];
    for (const n of [0, 1, 2]) pods.push(await startPod(`10.244.0.${90 + n}`, `first-${n}`, THINKS));
    const write = (): Promise<void> => {
      const ips = pods.map(({ ip }) => ip);
      return release.apply(endpointSlice(version, "rolling", "web", "1", ips, PORTS));
    };
    await write();
    await using gateway = await gatewayWith(
      { ...blockOf(release, { token }), watch_endpoint_slices: true },
      { routes: [{ path: "/", service: SERVICE }] },
    );
    const all = (): string[] => pods.map(({ ip }) => ip).sort();
    await untilHosts(gateway, SERVICE, all());

    const url = `${gateway.url}/`;
    const loads = Promise.all([
      hey({ url, seconds: SECONDS, perSecond: 1400, workers: 50 }),
      hey({ url, seconds: SECONDS, perSecond: 400, workers: 20, args: ["-disable-keepalive"] }),
      hey({ url, seconds: SECONDS, perSecond: 200, workers: 10, args: ["-m", "POST", "-d", "order"] }),
    ]);
    const kills = new Map<string, number>();
    for (const [i, lag] of LAGS.entries()) {
      await Bun.sleep(3000);
      const old = pods[i % 3]!;
      pods[i % 3] = await startPod(`10.244.0.${93 + i}`, `next-${i}`, THINKS);
      kills.set(`${old.ip}:8080`, Date.now());
      await old.kill();
      await Bun.sleep(lag);
      await write();
      await untilHosts(gateway, SERVICE, all());
    }
    const [kept, fresh, posts] = await loads;

    assertEquals([Object.keys(kept.statuses), kept.errors], [["200"], {}]);
    assertEquals([Object.keys(fresh.statuses), fresh.errors], [["200"], {}]);
    assertGreaterOrEqual(kept.requests + fresh.requests, 100_000);

    // Each POST that failed was answered, and is told of by a line of the log: which pod had it when it was killed.
    const { 200: fine = 0, 502: failed = 0, ...others } = posts.statuses;
    assertEquals([others, posts.errors], [{}, {}]);
    const told = gateway.stderr
      .filter((line) => line.includes("A pod did not answer"))
      .map((line) => JSON.parse(line) as PodTrouble);
    assertEquals(told.length, failed);
    for (const { failure, upstream, "@timestamp": time } of told) {
      assertEquals(failure, "reset");
      const killed = kills.get(upstream);
      assert(killed !== undefined, `${upstream} was not killed`);
      assert(Math.abs(Date.parse(time) - killed) < 1000, `${upstream} was killed ${killed}, the POST failed ${time}`);
    }
    process.stdout.write(
      `GET: ${kept.requests} with keep-alive, ${fresh.requests} without, 0 failed. POST: ${fine} answered by a pod, ` +
        `${failed} were with a pod when it was killed.\n`,
    );
    for (const pod of pods) await pod.kill();
  }, 180_000);
});
