import { describe, test } from "bun:test";
import { assert, assertEquals, assertLess } from "@std/assert";
import type { BalancerConfig } from "../../src/balancing/options.ts";
import type { Endpoint } from "../../src/discovery/types.ts";
import { countPicks, endpoint, poolOver, request } from "./support.ts";

const BALANCERS: readonly BalancerConfig[] = [
  "round_robin",
  "least_requests",
  "random",
  { consistent_hash: { header: "x-user" } },
  { sticky_cookie: { name: "at" } },
];

const facts = request({ headers: { "x-user": "a" } });

/** Addresses of the gateway's zone at 10.0.0.x, of others at 10.0.1.x. */
const zones = (near: number, far: number): Endpoint[] => [
  ...Array.from({ length: near }, (_, i) => endpoint(`10.0.0.${i + 1}`)),
  ...Array.from({ length: far }, (_, i) => endpoint(`10.0.1.${i + 1}`, { preferred: false })),
];

const isNear = (address: string): boolean => address.startsWith("10.0.0.");

function nearAndFar(counts: ReadonlyMap<string, number>): [near: number, far: number] {
  let near = 0;
  let far = 0;
  for (const [address, count] of counts) {
    if (isNear(address)) near += count;
    else far += count;
  }
  return [near, far];
}

for (const balancer of BALANCERS) {
  describe(`ranks of addresses, with ${JSON.stringify(balancer)}`, () => {
    test("those of the zone have all requests while one of them takes traffic", () => {
      const { pool } = poolOver(zones(3, 3), { balancer });
      const [one, two] = pool.targets().filter(({ endpoint }) => endpoint.preferred);
      for (const target of [one!, two!]) for (let n = 0; n < 2; n++) pool.failed(target);
      assertEquals(nearAndFar(countPicks(() => pool.pick(facts), 30)), [30, 0]);
    });

    test("a zone whose every address fails is out of turn altogether, however many they are, and comes back", async () => {
      for (const [near, far] of [
        [2, 4],
        [5, 1],
        [1, 1],
      ] as const) {
        const { pool, clock } = poolOver(zones(near, far), { balancer });
        let failed = 0;
        for (let n = 0; n < 1000; n++) {
          const target = pool.pick(facts)!;
          if (!target.endpoint.preferred) continue;
          failed++;
          pool.failed(target);
        }
        assertLess(failed, 2 * near + 1, "each is asked twice");
        assertEquals(nearAndFar(countPicks(() => pool.pick(facts), 30)), [0, 30]);
        await clock.advance(10_001);
        assertEquals(nearAndFar(countPicks(() => pool.pick(facts), 30)), [30, 0]);
      }
    });

    test("of the last rank never more than half is ejected", () => {
      const { pool } = poolOver(zones(2, 4), { balancer });
      for (const target of pool.targets()) for (let n = 0; n < 3; n++) pool.failed(target);
      assertEquals(pool.counts(), { endpoints: 6, ejected: 4, unhealthy: 0, standby: 0 });
      assertEquals(pool.availability(), 2);
    });

    test("a retry stays in the zone while it can, the last attempt leaves it, and no address is tried twice", () => {
      const { pool } = poolOver(zones(2, 2), { balancer });
      const first = pool.pick(facts)!;
      const second = pool.pick(facts, [first])!;
      const third = pool.pick(facts, [first, second])!;
      const fourth = pool.pick(facts, [first, second, third])!;
      assertEquals(
        [first, second, third, fourth].map(({ endpoint }) => endpoint.preferred),
        [true, true, false, false],
      );
      assertEquals(new Set([first, second, third, fourth]).size, 4);
      assertEquals(pool.pick(facts, [first, second, third, fourth]), undefined);
      const last = pool.pick(facts, [first], true)!;
      assertEquals(last.endpoint.preferred, false);
      assertEquals(pool.pick(facts, [last], true), undefined, "nothing is below the last rank");
    });

    test("the last attempt passes over no rank, though what was tried is out of turn since", () => {
      const at = (host: string, priority: number): Endpoint => endpoint(host, { priority });
      const { pool } = poolOver([at("10.0.0.1", 2), at("10.0.0.2", 1), at("10.0.0.3", 0)], { balancer });
      const first = pool.pick(facts)!;
      for (let n = 0; n < 2; n++) pool.failed(first);
      assertEquals(pool.pick(facts, [first], true)?.endpoint.address, pool.pick(facts)!.endpoint.address);
    });

    test("last attempts are spread over the next rank", () => {
      const { pool } = poolOver(zones(1, 3), { balancer });
      const first = pool.pick(facts)!;
      assertEquals([...countPicks(() => pool.pick(facts, [first], true), 9).values()], [3, 3, 3]);
    });

    test("nodes of a lower priority wait, whatever their weight, for all above them to be out of turn", () => {
      const at = (host: string, priority: number, weight = 1): Endpoint => endpoint(host, { priority, weight });
      const { pool } = poolOver([at("10.0.0.1", 2), at("10.0.0.2", 1, 100), at("10.0.0.3", -1, 100)], { balancer });
      const seen: string[] = [];
      for (let n = 0; n < 3; n++) {
        const counts = countPicks(() => pool.pick(facts), 10);
        assertEquals(counts.size, 1);
        seen.push([...counts.keys()][0]!.slice(0, 8));
        const target = pool.targets().find(({ endpoint }) => counts.has(endpoint.address))!;
        pool.mark(target, false);
      }
      assertEquals(seen, ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
      assertEquals(pool.availability(), 1);
      assertEquals(pool.pick(facts)!.endpoint.host, "10.0.0.1", "a doubtful one is better than none: the first");
    });

    test("an address that comes into the zone, or leaves it, keeps its state", () => {
      const { pool, upstream } = poolOver(zones(1, 1), { balancer });
      const target = pool.pick(facts)!;
      pool.start(target);
      upstream.set(zones(1, 1).map((one) => ({ ...one, preferred: !one.preferred })));
      const other = pool.pick(facts)!;
      assert(other !== target);
      assertEquals(
        pool.targetStates().map(({ inFlight, standby }) => [inFlight, standby]),
        [
          [1, true],
          [0, false],
        ],
      );
      assertEquals(pool.targets().includes(target), true);
    });
  });
}

test("a client with a cookie of a pod in another zone stays with it, and one of a lower priority does not", () => {
  const cookieFor = (list: Endpoint[], host: string) => {
    const { pool } = poolOver(list, { balancer: { sticky_cookie: { name: "at" } } });
    const target = pool.targets().find(({ endpoint }) => endpoint.host === host)!;
    const cookie = pool.cookie(request(), target)!.split(";")[0]!;
    return pool.pick(request({ headers: { cookie } }))!.endpoint.host;
  };
  assertEquals(cookieFor(zones(2, 2), "10.0.1.1"), "10.0.1.1");
  assertEquals(cookieFor([endpoint("10.0.0.1"), endpoint("10.0.0.2", { priority: -1 })], "10.0.0.2"), "10.0.0.1");
});

describe("an address of a lower rank stands by", () => {
  const lower = (weight = 50): Endpoint => endpoint("10.0.1.1", { priority: -1, weight });
  const standsBy = (pool: ReturnType<typeof poolOver>["pool"]): boolean[] =>
    pool.targetStates().map(({ standby }) => standby);

  test("while one above takes traffic, and only if it would take traffic itself", () => {
    const { pool, upstream } = poolOver([endpoint("10.0.0.1"), lower()]);
    assertEquals([standsBy(pool), pool.counts().standby], [[false, true], 1]);
    pool.mark(pool.targets()[1]!, false);
    assertEquals([standsBy(pool), pool.counts().standby], [[false, false], 0]);
    pool.mark(pool.targets()[1]!, true);
    upstream.set([endpoint("10.0.0.1"), lower(0)]);
    assertEquals([standsBy(pool), pool.counts().standby], [[false, false], 0]);
  });

  test("not while it is ejected, and again afterwards", async () => {
    const { pool, clock } = poolOver([endpoint("10.0.0.1"), lower(), endpoint("10.0.1.2", { priority: -1 })]);
    for (let n = 0; n < 2; n++) pool.failed(pool.targets()[1]!);
    assertEquals([standsBy(pool), pool.counts().standby], [[false, false, true], 1]);
    await clock.advance(10_001);
    assertEquals([standsBy(pool), pool.counts().standby], [[false, true, true], 2]);
  });

  test("not where it has the traffic, nor where none takes any", () => {
    const { pool } = poolOver([endpoint("10.0.0.1"), lower()]);
    const [upper, below] = pool.targets();
    pool.mark(upper!, false);
    assertEquals([standsBy(pool), pool.counts().standby, pool.availability()], [[false, false], 0, 2]);
    pool.mark(below!, false);
    assertEquals([standsBy(pool), pool.counts().standby, pool.availability()], [[false, false], 0, 1]);
    assertEquals(pool.pick(facts), upper, "a doubtful one of the first rank is better than none");
  });
});

test("an address of another zone is before one of the gateway's zone with a lower priority", () => {
  const { pool } = poolOver([
    endpoint("10.0.1.1", { preferred: false, priority: 0 }),
    endpoint("10.0.0.1", { preferred: true, priority: -1 }),
  ]);
  assertEquals([...countPicks(() => pool.pick(facts), 20)], [["10.0.1.1:8080", 20]]);
});
