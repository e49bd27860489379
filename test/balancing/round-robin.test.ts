import { describe, test } from "bun:test";
import { assert, assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import type { Target } from "../../src/balancing/types.ts";
import { seededRandom } from "../helpers/random.ts";
import { countPicks, endpoint, endpoints, poolOver, request } from "./support.ts";

const facts = request();

describe("round robin", () => {
  test("equal endpoints are used in turn, each once a round", () => {
    const { pool } = poolOver(endpoints(3));
    const picks = Array.from({ length: 9 }, () => pool.pick(facts)!.endpoint.address);
    assertEquals(new Set(picks.slice(0, 3)).size, 3);
    assertEquals(picks.slice(3), [...picks.slice(0, 3), ...picks.slice(0, 3)]);
  });

  test("weights 10 and 90 send 10 % of 5,000 requests to the canary", () => {
    const { pool } = poolOver([endpoint("10.0.0.1", { weight: 10 }), endpoint("10.0.0.2", { weight: 90 })]);
    const canary = countPicks(() => pool.pick(facts), 5000).get("10.0.0.1:8080")!;
    assert(Math.abs(canary - 500) <= 1, `${canary} of 5000`);
  });

  test("weight 0 takes no new traffic while others have weight, and drains when it is set", () => {
    const { pool, upstream } = poolOver(endpoints(3));
    assertEquals(countPicks(() => pool.pick(facts), 300).size, 3);
    upstream.set([endpoint("10.0.0.1", { weight: 0 }), endpoint("10.0.0.2"), endpoint("10.0.0.3")]);
    const counts = countPicks(() => pool.pick(facts), 300);
    assertEquals([...counts].sort(), [
      ["10.0.0.2:8080", 150],
      ["10.0.0.3:8080", 150],
    ]);
  });

  test("where every endpoint has weight 0 all are used equally", () => {
    const { pool } = poolOver(endpoints(4, { weight: 0 }));
    const counts = countPicks(() => pool.pick(facts), 400);
    assertEquals([...counts.values()], [100, 100, 100, 100]);
  });

  test("100 endpoint updates during 10,000 requests leave every steady pod its share", () => {
    fc.assert(
      fc.property(fc.integer(), fc.boolean(), (seed, weighted) => {
        const random = seededRandom(seed);
        const steady = endpoints(8).map((one, i) => endpoint(one.host, { weight: weighted && i < 4 ? 10 : 50 }));
        const { pool, upstream } = poolOver(steady, { random: seededRandom(seed + 1) });
        const counts = new Map<string, number>();
        const shares = new Map<string, number>();
        let current = steady;
        for (let sent = 0; sent < 10_000; sent++) {
          if (sent % 100 === 0) {
            // Names that sort before, between and after the steady ones, so that every position moves.
            const guests = Array.from({ length: Math.floor(random() * 5) }, () =>
              endpoint(`${random() < 0.5 ? 9 : 10}.0.${Math.floor(random() * 3)}.${Math.floor(random() * 250)}`, {
                port: 81,
              }),
            );
            current = [...steady, ...new Map(guests.map((guest) => [guest.address, guest])).values()];
            upstream.set(current);
          }
          const total = current.reduce((sum, { weight }) => sum + weight, 0);
          for (const { address, weight } of steady) shares.set(address, (shares.get(address) ?? 0) + weight / total);
          const { address } = pool.pick(facts)!.endpoint;
          counts.set(address, (counts.get(address) ?? 0) + 1);
        }
        for (const [address, share] of shares) {
          const off = Math.abs(counts.get(address)! - share) / share;
          assert(off < 0.1, `${address} got ${counts.get(address)}, its share is ${share} (seed ${seed})`);
        }
      }),
      { numRuns: 12 },
    );
  });

  test("a change of the endpoints after every request does not send everything to the first", () => {
    const steady = endpoints(5);
    const { pool, upstream } = poolOver(steady);
    let turn = 0;
    const counts = countPicks(() => {
      turn++;
      upstream.set(turn % 2 ? steady : [...steady, endpoint("10.9.9.9", { weight: 0 })]);
      return pool.pick(facts);
    }, 500);
    assertEquals([...counts.values()], [100, 100, 100, 100, 100]);
  });

  test("when the endpoint whose turn it is leaves, the one after it has the turn", () => {
    const { pool, upstream } = poolOver(endpoints(5));
    while (pool.pick(facts)!.endpoint.host !== "10.0.0.2");
    upstream.set(endpoints(5).filter(({ host }) => host !== "10.0.0.3"));
    const picks = Array.from({ length: 4 }, () => pool.pick(facts)!.endpoint.host);
    assertEquals(picks, ["10.0.0.4", "10.0.0.5", "10.0.0.1", "10.0.0.2"]);
  });

  test("a change of the endpoints after every request does not take the canary's share", () => {
    const steady = [endpoint("10.0.0.1", { weight: 10 }), endpoint("10.0.0.2", { weight: 90 })];
    for (const weight of [0, 25, 400]) {
      const { pool, upstream } = poolOver(steady);
      let turn = 0;
      const counts = countPicks(() => {
        upstream.set(turn++ % 2 ? steady : [...steady, endpoint("10.9.9.9", { weight })]);
        return pool.pick(facts);
      }, 5000);
      const [canary, stable] = steady.map(({ address }) => counts.get(address) ?? 0);
      assert(
        Math.abs(canary! / (canary! + stable!) - 0.1) < 0.01,
        `${canary} to ${stable} beside a weight of ${weight}`,
      );
    }
  });

  test("gateways start at different endpoints", () => {
    for (const weights of [Array(10).fill(50), [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]]) {
      const list = endpoints(10).map((one, i) => endpoint(one.host, { weight: weights[i] }));
      const firsts = Array.from({ length: 60 }, (_, seed) => {
        const { pool } = poolOver(list, { random: seededRandom(seed) });
        return pool.pick(facts)!.endpoint.address;
      });
      assertGreater(new Set(firsts).size, 4);
    }
  });

  test("no endpoint ever gets more than its share of any stretch of requests, rounded up", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer(),
        (count, length, seed) => {
          const { pool } = poolOver(endpoints(count), { random: seededRandom(seed) });
          const picks = Array.from({ length: 200 }, () => pool.pick(facts)!.endpoint.address);
          for (let start = 0; start + length <= picks.length; start++) {
            const window = picks.slice(start, start + length);
            const most = Math.max(
              ...new Map(window.map((one) => [one, window.filter((x) => x === one).length])).values(),
            );
            assert(most <= Math.ceil(length / count), `${most} of ${length} among ${count}`);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test("with unequal weights no endpoint gets more than one above its share of any stretch", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 2, maxLength: 10 }),
        fc.integer({ min: 1, max: 80 }),
        fc.integer(),
        (weights, length, seed) => {
          const list = endpoints(weights.length).map((one, i) => endpoint(one.host, { weight: weights[i]! }));
          const { pool } = poolOver(list, { random: seededRandom(seed) });
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          const picks = Array.from({ length: 400 }, () => pool.pick(facts)!.endpoint);
          for (let start = 0; start + length <= picks.length; start++) {
            for (const { address, weight } of list) {
              const got = picks.slice(start, start + length).filter((one) => one.address === address).length;
              assert(got <= Math.ceil((length * weight) / total) + 1, `${got} of ${length} at weights ${weights}`);
            }
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test("a retry goes to an address not yet tried, as long as there is one", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 8 }),
        fc.integer(),
        (weights, seed) => {
          const list = endpoints(weights.length).map((one, i) => endpoint(one.host, { weight: weights[i]! }));
          const { pool } = poolOver(list, { random: seededRandom(seed) });
          const tried: Target[] = [];
          for (let attempt = 0; attempt < list.length; attempt++) {
            const target = pool.pick(facts, tried)!;
            assert(!tried.includes(target));
            tried.push(target);
          }
          assertEquals(pool.pick(facts, tried), undefined);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a pool without endpoints gives none, and serves again when they come back", () => {
    const { pool, upstream } = poolOver([]);
    assertEquals(pool.pick(facts), undefined);
    upstream.set(endpoints(2));
    assertNotEquals(pool.pick(facts), undefined);
    upstream.set([]);
    assertEquals(pool.pick(facts), undefined);
  });
});
