import { describe, test } from "bun:test";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import type { Pool } from "../../src/balancing/types.ts";
import type { Endpoint } from "../../src/discovery/types.ts";
import { seededRandom } from "../helpers/random.ts";
import { countPicks, endpoint, endpoints, poolOver, request } from "./support.ts";

const byUser = { consistent_hash: { header: "x-user" } } as const;
const KEYS = Array.from({ length: 4000 }, (_, i) => request({ headers: { "x-user": `user-${i}` } }));
const owners = (pool: Pool): string[] => KEYS.map((facts) => pool.pick(facts)!.endpoint.address);
const moved = (before: readonly string[], after: readonly string[]): number =>
  before.filter((owner, i) => owner !== after[i]).length;

describe("consistent hash", () => {
  test("the same key always reaches the same endpoint, in every replica of the gateway", () => {
    const one = poolOver(endpoints(10), { balancer: byUser, random: seededRandom(1) }).pool;
    const other = poolOver(endpoints(10), { balancer: byUser, random: seededRandom(2) }).pool;
    const first = owners(one);
    assertEquals(owners(one), first);
    assertEquals(owners(other), first);
  });

  test("an endpoint added takes keys from others and moves none between them", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 21, max: 250 }), (count, host) => {
        const { pool, upstream } = poolOver(endpoints(count), { balancer: byUser });
        const before = owners(pool);
        const guest = endpoint(`10.7.0.${host}`);
        upstream.set([...endpoints(count), guest]);
        const after = owners(pool);
        after.forEach((owner, i) => {
          assert(owner === before[i] || owner === guest.address, `key ${i} moved from ${before[i]} to ${owner}`);
        });
        const share = KEYS.length / (count + 1);
        assert(moved(before, after) < share * 1.4, `${moved(before, after)} moved, its share is ${share}`);
      }),
      { numRuns: 25, seed: 7 }, // how evenly 160 points lie is a matter of luck: always the same luck
    );
  });

  test("an endpoint removed moves only its own keys, and gets them back when it returns", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(), (count, pick) => {
        const list = endpoints(count);
        const { pool, upstream } = poolOver(list, { balancer: byUser });
        const before = owners(pool);
        const left = list[pick % count]!;
        upstream.set(list.filter((one) => one !== left));
        const after = owners(pool);
        assertEquals(moved(before, after), before.filter((owner) => owner === left.address).length);
        upstream.set(list);
        assertEquals(owners(pool), before);
      }),
      { numRuns: 25 },
    );
  });

  test("after any changes the keys are where a gateway started now would have them", () => {
    const step = fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.constantFrom(0, 1, 10, 50, 90)), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 5 }), (steps) => {
        const lists = steps.map((hosts) => [
          ...new Map(hosts.map(([host, weight]) => [host, endpoint(`10.0.0.${host}`, { weight })])).values(),
        ]);
        const { pool, upstream } = poolOver(lists[0]!, { balancer: byUser });
        for (const list of lists) {
          upstream.set(list);
          pool.pick(KEYS[0]!);
        }
        const fresh = poolOver(lists.at(-1)!, { balancer: byUser }).pool;
        assertEquals(owners(pool), owners(fresh));
      }),
      { numRuns: 20 },
    );
  });

  test("keys are spread by weight", () => {
    const even = (list: Endpoint[]) => {
      const counts = new Map<string, number>();
      for (const owner of owners(poolOver(list, { balancer: byUser }).pool))
        counts.set(owner, (counts.get(owner) ?? 0) + 1);
      return list.map(({ address }) => (counts.get(address) ?? 0) / KEYS.length);
    };
    for (const share of even(endpoints(10))) assert(share > 0.07 && share < 0.13, `${share} of the keys, wanted 0.1`);
    const [small, big] = even([endpoint("10.0.0.1", { weight: 25 }), endpoint("10.0.0.2", { weight: 75 })]);
    assert(small! > 0.18 && small! < 0.32, `${small} and ${big}`);
  });

  test("the keys of an ejected endpoint go to others and come back to it", async () => {
    const { pool, clock } = poolOver(endpoints(5), { balancer: byUser });
    const before = owners(pool);
    const bad = pool.pick(KEYS[0]!)!;
    pool.failed(bad);
    pool.failed(bad);
    const during = owners(pool);
    assert(!during.includes(bad.endpoint.address));
    assertEquals(moved(before, during), before.filter((owner) => owner === bad.endpoint.address).length);
    await clock.advance(10_000);
    assertEquals(owners(pool), before);
  });

  test("a request without the key, or with an empty one, goes by the client's address, and by turns where that is not known", () => {
    const { pool } = poolOver(endpoints(4), { balancer: byUser });
    for (const headers of [{}, { "x-user": "" }] as Record<string, string>[]) {
      const clients = Array.from({ length: 40 }, (_, n) => request({ headers, client: `192.0.2.${n}` }));
      const addresses = clients.map((client) => pool.pick(client)!.endpoint.address);
      assertEquals(
        clients.map((client) => pool.pick(client)!.endpoint.address),
        addresses,
      );
      assertEquals(new Set(addresses).size, 4);
    }
    const hidden = request({ client: "" });
    assertEquals([...countPicks(() => pool.pick(hidden), 400).values()], [100, 100, 100, 100]);
  });

  test("the key may be a header, a cookie, a query parameter or the client's address", () => {
    const cases = [
      { key: { header: "X-User" }, make: (id: string) => request({ headers: { "x-user": id } }) },
      { key: { cookie: "sid" }, make: (id: string) => request({ headers: { cookie: `a=1; sid=${id}; b=2` } }) },
      { key: { query: "user" }, make: (id: string) => request({ search: `?a=1&user=${id}&b=2` }) },
      { key: { client_ip: true as const }, make: (id: string) => request({ client: `192.0.2.${id}` }) },
    ];
    for (const { key, make } of cases) {
      const { pool } = poolOver(endpoints(10), { balancer: { consistent_hash: key } });
      for (let id = 0; id < 20; id++) {
        assertEquals(countPicks(() => pool.pick(make(String(id))), 10).size, 1, JSON.stringify(key));
      }
      let id = 0;
      assertNotEquals(countPicks(() => pool.pick(make(String(id++))), 50).size, 1, JSON.stringify(key));
    }
  });
});
