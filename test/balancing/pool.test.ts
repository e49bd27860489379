import { describe, test } from "bun:test";
import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import type { BalancerConfig } from "../../src/balancing/options.ts";
import { countPicks, endpoint, endpoints, poolOver, request } from "./support.ts";

const balancers: BalancerConfig[] = [
  "round_robin",
  "least_requests",
  "random",
  { consistent_hash: { client_ip: true } },
  { sticky_cookie: { name: "podway" } },
];
const facts = request();

describe.each(balancers.map((balancer) => ({ name: JSON.stringify(balancer), balancer })))(
  "a pool with $name",
  ({ balancer }) => {
    test("an endpoint that left is not picked from the next request on, retries included", () => {
      const { pool, upstream } = poolOver(endpoints(4), { balancer });
      const gone = pool.pick(facts)!;
      upstream.set(endpoints(4).filter(({ address }) => address !== gone.endpoint.address));
      const next = pool.pick(facts)!;
      assertNotStrictEquals(next.endpoint.address, gone.endpoint.address);
      for (let client = 0; client < 200; client++) {
        const picked = pool.pick(request({ client: `192.0.2.${client}` }), [next])!;
        assert(picked.endpoint.address !== gone.endpoint.address && picked !== next);
      }
    });

    test("a target keeps its state while others come and go", () => {
      const { pool, upstream } = poolOver(endpoints(2), { balancer });
      const target = pool.pick(facts)!;
      pool.start(target);
      upstream.set(endpoints(5));
      const found = pool.targetStates().find((one) => one.endpoint.address === target.endpoint.address)!;
      assertEquals(found.inFlight, 1);
      pool.finish(target);
      assertEquals(target.inFlight, 0);
    });

    test("an ejected target is stepped over, and picked again where every other was tried", () => {
      const { pool } = poolOver(endpoints(3), { balancer });
      const bad = pool.pick(facts)!;
      pool.failed(bad);
      pool.failed(bad);
      for (let client = 0; client < 200; client++) {
        assertNotStrictEquals(pool.pick(request({ client: `192.0.2.${client}` })), bad);
      }
      const one = pool.pick(facts)!;
      const two = pool.pick(facts, [one])!;
      assertStrictEquals(pool.pick(facts, [one, two]), bad);
      assertEquals(pool.pick(facts, [one, two, bad]), undefined);
    });

    test("weight 0 gets nothing, not even a retry, while another has weight", () => {
      const drained = endpoint("10.0.0.2", { weight: 0 });
      const { pool } = poolOver([endpoint("10.0.0.1"), drained], { balancer });
      const only = pool.pick(facts)!;
      assertEquals(only.endpoint.address, "10.0.0.1:8080");
      assertEquals(pool.pick(facts, [only]), undefined);
    });
  },
);

describe("a pool", () => {
  test("makes origins that a path can be appended to", () => {
    const { pool } = poolOver([endpoint("10.0.0.1", { port: 8443 })], { scheme: "https" });
    assertEquals(pool.pick(facts)!.origin, "https://10.0.0.1:8443");
  });

  test("takes over a changed weight without losing the target's state", () => {
    const { pool, upstream } = poolOver([endpoint("10.0.0.1"), endpoint("10.0.0.2")]);
    const before = pool.pick(facts)!;
    upstream.set([endpoint("10.0.0.1", { weight: 150 }), endpoint("10.0.0.2")]);
    const counts = countPicks(() => pool.pick(facts), 400);
    assertEquals(counts.get("10.0.0.1:8080"), 300);
    const picks = Array.from({ length: 4 }, () => pool.pick(facts));
    assert(picks.includes(before));
  });

  test("a reused address with another pod uid starts fresh", () => {
    const told: unknown[] = [];
    const { pool, upstream } = poolOver(endpoints(4), { onEject: (target) => told.push(target) });
    const old = pool.pick(facts)!;
    const others = endpoints(4).filter(({ address }) => address !== old.endpoint.address);
    pool.start(old);
    pool.failed(old);
    pool.failed(old);
    assert(pool.targetStates().some((one) => one.ejectedUntil !== undefined));

    upstream.set([...others, endpoint(old.endpoint.host, { uid: "another pod" })]);
    const state = pool.targetStates().find((one) => one.endpoint.address === old.endpoint.address)!;
    assertEquals(
      { ...state, endpoint: state.endpoint.uid },
      { endpoint: "another pod", ejectedUntil: undefined, inFlight: 0, healthy: true, standby: false },
    );
    const round = Array.from({ length: 4 }, () => pool.pick(facts)!);
    const fresh = round.find((one) => one.endpoint.address === old.endpoint.address)!;
    assertNotStrictEquals(fresh, old);
    assertEquals(fresh.endpoint.uid, "another pod");

    pool.failed(old);
    pool.failed(old);
    assert(
      pool.targetStates().every((one) => one.ejectedUntil === undefined),
      "what happens to the old pod's requests is not the new one's fault",
    );
    assertEquals(told, [old]);
  });

  test("an ejected pod that is replaced no longer counts among the ejected half", () => {
    const { pool, upstream } = poolOver(endpoints(2));
    const [first, second] = pool.targets();
    pool.failed(first!);
    pool.failed(first!);
    upstream.set([endpoint("10.0.0.1", { uid: "another pod" }), endpoint("10.0.0.2")]);
    pool.pick(facts);
    pool.failed(second!);
    pool.failed(second!);
    assertEquals(
      pool.targetStates().map(({ ejectedUntil }) => ejectedUntil !== undefined),
      [false, true],
    );
  });

  test("a pod that left and returns starts fresh", () => {
    const { pool, upstream } = poolOver(endpoints(4));
    const [first] = pool.targets();
    pool.failed(first!);
    pool.failed(first!);
    upstream.set(endpoints(4).slice(1));
    pool.pick(facts);
    upstream.set(endpoints(4));
    assertNotStrictEquals(pool.targets()[0], first);
    assert(pool.targetStates().every(({ ejectedUntil }) => ejectedUntil === undefined));
  });

  test("retries of a heavy endpoint's requests are spread over the light ones", () => {
    const heavy = endpoint("10.0.0.1", { weight: 1_000_000 });
    const { pool } = poolOver([heavy, ...endpoints(4, { weight: 1 }).slice(1)]);
    const tried = [pool.pick(facts)!];
    assertEquals(tried[0]!.endpoint, heavy);
    const counts = countPicks(() => pool.pick(facts, tried), 300);
    assertEquals(counts.size, 3);
    for (const count of counts.values()) assert(count >= 90, `${count} of 300`);
  });

  test("a retry does not go to a new pod at the address that was tried", () => {
    const { pool, upstream } = poolOver([endpoint("10.0.0.1")]);
    const tried = [pool.pick(facts)!];
    upstream.set([endpoint("10.0.0.1", { uid: "another pod" })]);
    assertEquals(pool.pick(facts, tried), undefined);
  });

  test("an address named twice counts once", () => {
    const { pool } = poolOver([endpoint("10.0.0.1"), endpoint("10.0.0.1"), endpoint("10.0.0.2")]);
    assertEquals([...countPicks(() => pool.pick(facts), 100).values()], [50, 50]);
  });

  test("an unhealthy target is skipped unless all are", () => {
    const { pool } = poolOver(endpoints(2));
    const [first, second] = pool.targets();
    pool.mark(first!, false);
    assertEquals([...countPicks(() => pool.pick(facts), 10).keys()], [second!.endpoint.address]);
    pool.mark(second!, false);
    assertEquals(countPicks(() => pool.pick(facts), 10).size, 2);
    pool.mark(first!, true);
    assertEquals([...countPicks(() => pool.pick(facts), 10).keys()], [first!.endpoint.address]);
  });

  test("ready endpoints share the load evenly while one of them is ejected", () => {
    const { pool } = poolOver(endpoints(4));
    const bad = pool.pick(facts)!;
    pool.failed(bad);
    pool.failed(bad);
    const counts = countPicks(() => pool.pick(facts), 300);
    assertEquals([...counts.values()], [100, 100, 100]);
  });

  test("tells who was ejected until when", () => {
    const told: [string, number][] = [];
    const { pool, clock } = poolOver(endpoints(2), {
      onEject: (target, until) => told.push([target.endpoint.address, until - clock.now()]),
    });
    const bad = pool.pick(facts)!;
    pool.failed(bad);
    assertEquals(told, []);
    pool.failed(bad);
    assertEquals(told, [[bad.endpoint.address, 10_000]]);
    const shown = pool.targetStates().find((one) => one.endpoint.address === bad.endpoint.address)!;
    assertEquals(shown.ejectedUntil, clock.now() + 10_000);
  });

  test("without passive health nothing is ejected", () => {
    const { pool } = poolOver(endpoints(4), { passive: false });
    const target = pool.pick(facts)!;
    for (let i = 0; i < 10; i++) pool.failed(target);
    assert(pool.targetStates().every((one) => one.ejectedUntil === undefined));
  });

  test("a rolling restart with late updates is hidden by retries and ejection", async () => {
    const { pool, upstream, clock } = poolOver(endpoints(3));
    let alive = new Set(endpoints(3).map(({ address }) => address));
    let wasted = 0;
    for (let pod = 0; pod < 6; pod++) {
      const listed = upstream.endpoints();
      const dead = listed[pod % listed.length]!;
      const successor = endpoint(`10.1.0.${pod + 1}`);
      alive = new Set([...alive].filter((address) => address !== dead.address)).add(successor.address);
      for (let sent = 0; sent < 500; sent++) {
        if (sent === 250) upstream.set([...listed.filter((one) => one !== dead), successor]);
        const first = pool.pick(facts)!;
        if (alive.has(first.endpoint.address)) {
          pool.succeeded(first);
        } else {
          wasted++;
          pool.failed(first);
          const second = pool.pick(facts, [first])!;
          assert(alive.has(second.endpoint.address), "the retry met the dead pod again");
          pool.succeeded(second);
        }
        await clock.advance(10);
      }
    }
    assertEquals(wasted, 12);
  });
});
