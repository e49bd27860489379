import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import cases from "../fixtures/cases/ocelot-cases.json";
import { seededRandom } from "../helpers/random.ts";
import { countPicks, endpoints, poolOver, request } from "./support.ts";

/** The cases about round robin, as far as a pool decides them. */
interface RoundRobinCase {
  id: string;
  input: {
    backends: number;
    concurrent_requests: number;
    backends_removed_under_load?: number;
    remove_at_api_call?: number;
  };
  expect: { total_backend_calls: number; calls_per_backend_min?: number; calls_per_backend_max?: number };
}

const roundRobin = (cases.cases as unknown as RoundRobinCase[]).filter(({ id }) => id.startsWith("e2e-rr-"));
const facts = request();

describe("round robin as Ocelot's users know it", () => {
  test("all of the cases are here", () => {
    assertEquals(roundRobin.length, 14);
  });

  for (const { id, input, expect } of roundRobin) {
    const { backends, concurrent_requests: requests, backends_removed_under_load: removed = 0 } = input;
    test(`${id}: ${requests} requests to ${backends} backends${removed ? `, ${removed} removed on the way` : ""}`, () => {
      for (let seed = 0; seed < 20; seed++) {
        const { pool, upstream } = poolOver(endpoints(backends), { random: seededRandom(seed) });
        let sent = 0;
        const counts = countPicks(() => {
          if (removed > 0 && ++sent === input.remove_at_api_call) upstream.set(endpoints(backends).slice(removed));
          const target = pool.pick(facts)!;
          assert(upstream.endpoints().includes(target.endpoint), "a removed backend was picked");
          return target;
        }, requests);
        const calls = [...counts.values()];
        assertEquals(
          calls.reduce((sum, count) => sum + count, 0),
          expect.total_backend_calls,
        );
        assertEquals(calls.length, backends);
        assert(Math.min(...calls) >= (expect.calls_per_backend_min ?? 1), `fewest: ${Math.min(...calls)}`);
        assert(Math.max(...calls) <= (expect.calls_per_backend_max ?? requests), `most: ${Math.max(...calls)}`);
      }
    });
  }
});
