import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { BalancerConfig } from "../../src/balancing/options.ts";
import type { Pool, Target } from "../../src/balancing/types.ts";
import type { IncomingRequest } from "../../src/http/request.ts";
import { endpoint, endpoints, poolOver, request } from "./support.ts";

const addressesOf = (pool: Pool, facts: IncomingRequest): string[] =>
  pool.preview(facts).order.map((one) => one.endpoint.address);

/** Whom a request gets, and whom its retries. */
function walk(pool: Pool, facts: IncomingRequest): string[] {
  const tried: Target[] = [];
  for (;;) {
    const target = pool.pick(facts, tried);
    if (target === undefined) return tried.map(({ endpoint }) => endpoint.address);
    tried.push(target);
  }
}

const deterministic: { name: string; balancer: BalancerConfig; by: string; headers?: Record<string, string> }[] = [
  { name: "round robin", balancer: "round_robin", by: "turn" },
  {
    name: "a hash key",
    balancer: { consistent_hash: { header: "x-user" } },
    by: "key",
    headers: { "x-user": "ada" },
  },
  { name: "a hash without the key", balancer: { consistent_hash: { header: "x-user" } }, by: "client" },
  { name: "a sticky cookie nobody has yet", balancer: { sticky_cookie: { name: "at" } }, by: "turn" },
];

describe("the preview of a pool", () => {
  test.each(deterministic)("of $name says whom the next request gets, asked as often as one likes", (one) => {
    const { pool } = poolOver(endpoints(5), { balancer: one.balancer });
    const facts = request({ headers: one.headers ?? {} });
    for (let turn = 0; turn < 12; turn++) {
      const first = addressesOf(pool, facts);
      assertEquals(addressesOf(pool, facts), first, "asking moves nothing");
      assertEquals(pool.preview(facts).by, one.by as "turn");
      assertEquals(first.length, 5);
      assertEquals(pool.pick(facts)!.endpoint.address, first[0]!);
    }
  });

  test.each(deterministic)("of $name gives the others in the order of retries", ({ balancer, headers }) => {
    const { pool } = poolOver(endpoints(5), { balancer });
    const facts = request({ headers: headers ?? {} });
    const told = addressesOf(pool, facts);
    assertEquals(walk(pool, facts), told);
  });

  test("of weights has each target once, the next turns first", () => {
    const weighted = [endpoint("10.0.0.1", { weight: 10 }), endpoint("10.0.0.2", { weight: 90 })];
    const { pool } = poolOver(weighted);
    for (let turn = 0; turn < 30; turn++) {
      const told = addressesOf(pool, request());
      assertEquals(told.toSorted(), ["10.0.0.1:8080", "10.0.0.2:8080"]);
      assertEquals(pool.pick(request())!.endpoint.address, told[0]!);
    }
  });

  test("of a target whose turn is far away still has it, at the end", () => {
    const uneven = [endpoint("10.0.0.1", { weight: 1 }), endpoint("10.0.0.2", { weight: 1_000_000 })];
    const { pool } = poolOver(uneven);
    assertEquals(addressesOf(pool, request()).toSorted(), ["10.0.0.1:8080", "10.0.0.2:8080"]);
  });

  test("of a client's cookie begins with the target it names, drained or not", () => {
    const list = endpoints(3);
    const { pool, upstream } = poolOver(list, { balancer: { sticky_cookie: { name: "at" } } });
    const target = pool.pick(request())!;
    const cookie = pool.cookie(request(), target)!.split(";")[0]!;
    const again = request({ headers: { cookie } });
    assertEquals([pool.preview(again).by, addressesOf(pool, again)[0]], ["cookie", target.endpoint.address]);
    upstream.set(list.map((one) => (one.address === target.endpoint.address ? { ...one, weight: 0 } : one)));
    assertEquals([pool.preview(again).by, addressesOf(pool, again)[0]], ["cookie", target.endpoint.address]);
    const told = pool.preview(request());
    assertEquals([told.by, told.order.length], ["turn", 2]);
    assertEquals(
      told.others.map((one) => one.endpoint.address),
      [target.endpoint.address],
    );
  });

  test("of load has the less busy first; of chance it has all", () => {
    const { pool } = poolOver(endpoints(3), { balancer: "least_requests" });
    const busy = pool.pick(request())!;
    pool.start(busy);
    const told = pool.preview(request());
    assertEquals(
      [told.by, told.order.at(-1)!.endpoint.address, told.order.at(-1)!.inFlight],
      ["load", busy.endpoint.address, 1],
    );
    const chance = poolOver(endpoints(3), { balancer: "random" }).pool.preview(request());
    assertEquals([chance.by, chance.order.length], ["chance", 3]);
  });

  test("sets the ejected and the unhealthy apart, with until when", () => {
    const { pool, clock } = poolOver(endpoints(4));
    const bad = pool.pick(request())!;
    pool.failed(bad);
    pool.failed(bad);
    const sick = pool.targets().find((target) => target !== bad)!;
    pool.mark(sick, false);
    const told = pool.preview(request());
    assertEquals(told.order.length, 2);
    const others = new Map(told.others.map((one) => [one.endpoint.address, one]));
    assertEquals(others.get(bad.endpoint.address)!.ejectedUntil, clock.now() + 10_000);
    assertEquals(others.get(sick.endpoint.address)!.healthy, false);
  });

  test("while nobody is fit tells all of them, since they are used all the same", () => {
    const { pool } = poolOver(endpoints(2));
    for (const target of pool.targets()) pool.mark(target, false);
    const told = pool.preview(request());
    assertEquals([told.order.length, told.others.length], [2, 0]);
    assert(told.order.every(({ healthy }) => !healthy));
  });
});
