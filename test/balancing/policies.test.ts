import { describe, test } from "bun:test";
import { assert, assertEquals, assertLess } from "@std/assert";
import { seededRandom } from "../helpers/random.ts";
import { countPicks, endpoint, endpoints, poolOver, request } from "./support.ts";

const facts = request();
const canary = [endpoint("10.0.0.1", { weight: 10 }), endpoint("10.0.0.2", { weight: 90 })];

describe("least requests", () => {
  test("of two endpoints the idle one is picked", () => {
    const { pool } = poolOver(endpoints(2), { balancer: "least_requests" });
    const busy = pool.pick(facts)!;
    pool.start(busy);
    const counts = countPicks(() => pool.pick(facts), 200);
    assertEquals([...counts], [[endpoints(2).find((one) => one.address !== busy.endpoint.address)!.address, 200]]);
  });

  test("a stuck endpoint among ten gets almost nothing", () => {
    const { pool } = poolOver(endpoints(10), { balancer: "least_requests" });
    const stuck = pool.pick(facts)!;
    for (let i = 0; i < 50; i++) pool.start(stuck);
    const inFlight = [];
    let met = 0;
    for (let i = 0; i < 2000; i++) {
      const target = pool.pick(facts)!;
      if (target === stuck) met++;
      pool.start(target);
      inFlight.push(target);
      if (inFlight.length > 5) pool.finish(inFlight.shift()!);
    }
    assertEquals(met, 0);
  });

  test("requests that stay open are spread by weight", () => {
    const { pool } = poolOver(canary, { balancer: "least_requests" });
    const counts = countPicks(() => {
      const target = pool.pick(facts)!;
      pool.start(target);
      return target;
    }, 1000);
    assert(Math.abs(counts.get("10.0.0.1:8080")! - 100) <= 2, `${counts.get("10.0.0.1:8080")} of 1000`);
  });

  test("an idle pool is used by weight too", () => {
    const { pool } = poolOver(canary, { balancer: "least_requests" });
    const share = countPicks(() => pool.pick(facts), 5000).get("10.0.0.1:8080")! / 5000;
    assert(Math.abs(share - 0.1) < 0.02, `${share}`);
  });

  test("open requests end up much more even than by chance", () => {
    const spread = (balancer: "random" | "least_requests"): number => {
      const { pool } = poolOver(endpoints(20), { balancer, random: seededRandom(5) });
      for (let i = 0; i < 2000; i++) pool.start(pool.pick(facts)!);
      const open = pool.targetStates().map(({ inFlight }) => inFlight);
      return Math.max(...open) - Math.min(...open);
    };
    assertLess(spread("least_requests") * 3, spread("random"));
  });
});

describe("random", () => {
  test("endpoints get their weight's share of the requests", () => {
    const { pool } = poolOver(canary, { balancer: "random" });
    const share = countPicks(() => pool.pick(facts), 5000).get("10.0.0.1:8080")! / 5000;
    assert(Math.abs(share - 0.1) < 0.02, `${share}`);
    const equal = poolOver(endpoints(5), { balancer: "random" }).pool;
    for (const count of countPicks(() => equal.pick(facts), 5000).values()) assert(Math.abs(count - 1000) < 150);
  });
});

describe("a sticky cookie", () => {
  const balancer = { sticky_cookie: { name: "podway" } };
  const withCookie = (line: string) => request({ headers: { cookie: line } });
  const tokenIn = (setCookie: string): string => /^podway=([^;]+);/.exec(setCookie)![1]!;

  test("keeps a client on its endpoint", () => {
    const { pool } = poolOver(endpoints(10), { balancer });
    const first = pool.pick(facts)!;
    const setCookie = pool.cookie(facts, first)!;
    const again = withCookie(`theme=dark; podway=${tokenIn(setCookie)}; lang=de`);
    assertEquals([...countPicks(() => pool.pick(again), 50)], [[first.endpoint.address, 50]]);
    assertEquals(pool.cookie(again, first), undefined);
  });

  test("is a line that browsers keep from scripts and other sites, and does not tell the address", () => {
    const { pool } = poolOver(endpoints(1), { balancer });
    const line = pool.cookie(facts, pool.pick(facts)!)!;
    assert(/^podway=[0-9a-f]{16}; Path=\/; HttpOnly; SameSite=Lax$/.test(line), line);
  });

  test.each([
    ["https", {}, true],
    ["http", { "x-forwarded-proto": "https" }, true],
    ["http", { "x-forwarded-proto": "HTTPS, http" }, true],
    ["https", { "x-forwarded-proto": "http" }, false],
    ["http", {}, false],
  ] as const)("is for https alone where the client came by it (%s, %j)", (scheme, headers, secure) => {
    const { pool } = poolOver(endpoints(1), { balancer });
    const line = pool.cookie({ headers: new Headers(headers), scheme }, pool.pick(facts)!)!;
    assertEquals(line.endsWith("; Secure"), secure, line);
  });

  test("means the same to every replica, and something else for another service or pod", () => {
    const token = (upstream: { uid: string }, random = seededRandom(1)): string => {
      const { pool } = poolOver([endpoint("10.0.0.1", upstream)], { balancer, random });
      return tokenIn(pool.cookie(facts, pool.pick(facts)!)!);
    };
    assertEquals(token({ uid: "a" }), token({ uid: "a" }, seededRandom(9)));
    assert(token({ uid: "a" }) !== token({ uid: "b" }));
  });

  test("of an endpoint that left or is ejected is replaced", () => {
    const { pool, upstream } = poolOver(endpoints(4), { balancer });
    const first = pool.pick(facts)!;
    const again = withCookie(`podway=${tokenIn(pool.cookie(facts, first)!)}`);
    pool.failed(first);
    pool.failed(first);
    const second = pool.pick(again)!;
    assert(second !== first && pool.cookie(again, second) !== undefined);

    const moved = withCookie(`podway=${tokenIn(pool.cookie(again, second)!)}`);
    assertEquals(pool.pick(moved), second);
    upstream.set(endpoints(4).filter(({ address }) => address !== second.endpoint.address));
    const third = pool.pick(moved)!;
    assert(third !== second && pool.cookie(moved, third) !== undefined);
  });

  test("nobody knows is replaced, and its sender spread by round robin", () => {
    const { pool } = poolOver(endpoints(4), { balancer });
    const forged = withCookie("podway=10.0.0.1:8080");
    assertEquals([...countPicks(() => pool.pick(forged), 40).values()], [10, 10, 10, 10]);
    assert(pool.cookie(forged, pool.pick(forged)!) !== undefined);
  });

  test("still leads to an endpoint that drains, which gets no new clients", () => {
    const { pool, upstream } = poolOver(endpoints(2), { balancer });
    const first = pool.pick(facts)!;
    const again = withCookie(`podway=${tokenIn(pool.cookie(facts, first)!)}`);
    upstream.set(endpoints(2).map((one) => (one.address === first.endpoint.address ? { ...one, weight: 0 } : one)));
    assertEquals(pool.pick(again), first);
    assert(!countPicks(() => pool.pick(facts), 20).has(first.endpoint.address));
  });

  test("is not set by other policies", () => {
    const { pool } = poolOver(endpoints(2));
    assertEquals(pool.cookie(facts, pool.pick(facts)!), undefined);
  });
});
