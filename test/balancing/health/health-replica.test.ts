import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import type { ProbedPool } from "../../../src/balancing/health/active-health.ts";
import { createHealthReplica } from "../../../src/balancing/health/health-replica.ts";
import type { HealthCheck } from "../../../src/balancing/health/health-set.ts";
import type { Target } from "../../../src/balancing/types.ts";

/** A pool of these addresses (uid `u-ADDRESS`), and which of them are unhealthy. */
function pool(...addresses: string[]) {
  const targets = addresses.map((address) => ({ endpoint: { address, uid: `u-${address}` } }) as unknown as Target);
  const unhealthy = new Set<string>();
  const subjects: ProbedPool = {
    targets: () => targets,
    mark(target, healthy) {
      if (healthy) unhealthy.delete(target.endpoint.address);
      else unhealthy.add(target.endpoint.address);
    },
  };
  const check = (key: string) => ({ pool: { ...subjects, inspect: () => [] }, key }) as unknown as HealthCheck;
  return { unhealthy, check };
}

test("marks what somebody else found, of the pod it was found of, in the pool it was found in", async () => {
  const follower = createHealthReplica();
  const [one, two] = [pool("a", "b"), pool("a")];
  const kept = one.check("one");
  follower.apply([kept, two.check("two")]);
  follower.mark([
    { pool: "one", address: "a", uid: "u-a", healthy: false },
    { pool: "one", address: "b", uid: "another pod", healthy: false },
    { pool: "gone", address: "a", uid: "u-a", healthy: false },
    { pool: "two", address: "c", uid: "u-c", healthy: false },
  ]);
  assertEquals([[...one.unhealthy], [...two.unhealthy]], [["a"], []]);
  follower.apply([kept]);
  assertEquals([...one.unhealthy], ["a"], "kept across a reload");
  follower.mark([{ pool: "one", address: "a", uid: "u-a", healthy: true }]);
  assertEquals([...one.unhealthy], []);
  follower.mark([{ pool: "one", address: "b", uid: "u-b", healthy: false }]);
  follower.apply([]);
  assertEquals([...one.unhealthy], [], "nobody checks it any more");
  await follower.stop();
});
