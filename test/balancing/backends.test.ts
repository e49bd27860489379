import { describe, test } from "bun:test";
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { type Backends, createBackends } from "../../src/balancing/backends.ts";
import type { BalancerConfig } from "../../src/balancing/options.ts";
import { createPool } from "../../src/balancing/pool.ts";
import { keyReader } from "../../src/balancing/request-key.ts";
import type { PickInfo, Target } from "../../src/balancing/types.ts";
import type { Endpoint } from "../../src/discovery/types.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { seededRandom } from "../helpers/random.ts";
import { endpoint, request, testUpstream } from "./support.ts";

/** A service of a route: its weight and priority, and the last numbers of its addresses. */
interface Sketch {
  readonly weight?: number;
  readonly priority?: number;
  readonly addresses: readonly Endpoint[];
}

const at = (net: number, count: number): Endpoint[] =>
  Array.from({ length: count }, (_, i) => endpoint(`10.0.${net}.${i + 1}`));

/** A route over services that a test changes. */
function routeOver(sketches: readonly Sketch[], balancer: BalancerConfig = "round_robin") {
  const clock = createFakeClock();
  const random = seededRandom(1);
  const lowest = Math.min(...sketches.map(({ priority = 0 }) => priority));
  const of = sketches.map(({ weight = 1, priority = 0, addresses }, index) => {
    const upstream = testUpstream(addresses, `default/s${index}`);
    const pool = createPool({
      ...{ upstream, scheme: "http", balancer, passive: { failures: 2, eject: 10_000 }, clock, random },
      backed: priority > lowest,
      shared: sketches.length > 1,
    });
    return { pool, upstream, weight, priority };
  });
  const hashed = typeof balancer === "object" && "consistent_hash" in balancer;
  const keyOf = hashed ? keyReader(balancer.consistent_hash) : undefined;
  return { of, clock, backends: createBackends(of, { random, keyOf }) };
}

type Route = ReturnType<typeof routeOver>;

const pick = ({ backends, of }: Route, facts: PickInfo = request()): [service: number, target: Target | undefined] => {
  const from = backends.choose(facts);
  return [of.indexOf(from), from.pool.pick(facts)];
};

/** How often each service was chosen. */
function shares(route: Route, times: number, facts: (n: number) => PickInfo = () => request()): number[] {
  const counts = route.of.map(() => 0);
  for (let n = 0; n < times; n++) counts[pick(route, facts(n))[0]]!++;
  return counts;
}

function ejectAll({ pool }: Route["of"][number]): void {
  for (const target of pool.targets()) for (let n = 0; n < 2; n++) pool.failed(target);
}

const cookieOf = (line: string | undefined): string => line?.split(";")[0] ?? "";

describe("a client with a sticky cookie, of a route with several services", () => {
  const sticky: BalancerConfig = { sticky_cookie: { name: "at" } };

  /** The cookie a first request gets, and who served it. */
  function firstVisit(route: Route): { service: number; address: string; cookie: string } {
    const [service, target] = pick(route);
    const cookie = cookieOf(route.of[service]!.pool.cookie(request(), target!));
    return { service, address: target!.endpoint.address, cookie };
  }

  test("stays with its service and its address, however the others' turns fall", () => {
    const route = routeOver(
      [
        { weight: 50, addresses: at(1, 3) },
        { weight: 50, addresses: at(2, 3) },
      ],
      sticky,
    );
    const services = new Set<number>();
    for (let client = 0; client < 12; client++) {
      const { service, address, cookie } = firstVisit(route);
      services.add(service);
      const facts = request({ headers: { cookie } });
      for (let n = 0; n < 20; n++) {
        const [again, target] = pick(route, facts);
        assertEquals([again, target!.endpoint.address], [service, address]);
        assertEquals(route.of[again]!.pool.cookie(facts, target!), undefined, "it has its cookie already");
      }
    }
    assertEquals(services, new Set([0, 1]));
  });

  test("stays with its service when its address left, and when that is ejected", () => {
    for (const gone of ["left", "ejected"]) {
      const route = routeOver([{ addresses: at(1, 3) }, { addresses: at(2, 3) }], sticky);
      const { service, address, cookie } = firstVisit(route);
      const { upstream, pool } = route.of[service]!;
      if (gone === "left") upstream.set(upstream.endpoints().filter((one) => one.address !== address));
      const target = pool.targets().find(({ endpoint }) => endpoint.address === address);
      for (let n = 0; n < 2; n++) if (target !== undefined) pool.failed(target);
      const facts = request({ headers: { cookie } });
      for (let n = 0; n < 10; n++) {
        const [again, other] = pick(route, facts);
        assertEquals(again, service, gone);
        assert(other!.endpoint.address !== address, gone);
      }
    }
  });

  test("is served by another service when its own has no address left", () => {
    const route = routeOver([{ addresses: at(1, 2) }, { addresses: at(2, 2) }], sticky);
    const { service, cookie } = firstVisit(route);
    route.of[service]!.upstream.set([]);
    const facts = request({ headers: { cookie } });
    assertGreater(shares(route, 10, () => facts)[1 - service]!, 0);
  });

  test("keeps a cookie it got while the route had one service", () => {
    const before = routeOver([{ addresses: at(1, 4) }], sticky);
    const { address, cookie } = firstVisit(before);
    const route = routeOver([{ addresses: at(1, 4) }, { addresses: at(2, 4) }], sticky);
    for (let n = 0; n < 10; n++) {
      assertEquals(pick(route, request({ headers: { cookie } }))[1]!.endpoint.address, address);
    }
  });
});

describe("a request with a hash key, of a route with several services", () => {
  const byUser: BalancerConfig = { consistent_hash: { header: "x-user" } };
  const user = (n: number): PickInfo => request({ headers: { "x-user": `user-${n}` } });

  test("goes to the same service and address in every replica", () => {
    const sketches = [
      { weight: 1, addresses: at(1, 4) },
      { weight: 2, addresses: at(2, 4) },
    ];
    const [one, other] = [routeOver(sketches, byUser), routeOver(sketches, byUser)];
    for (let n = 0; n < 200; n++) {
      const [service, target] = pick(one, user(n));
      for (const route of [one, other]) {
        const [again, same] = pick(route, user(n));
        assertEquals([again, same!.endpoint.address], [service, target!.endpoint.address]);
      }
    }
  });

  test("goes to the only service with a weight, be it 1", () => {
    const route = routeOver(
      [
        { weight: 1, addresses: at(1, 2) },
        { weight: 0, addresses: at(2, 2) },
      ],
      byUser,
    );
    for (let n = 0; n < 40; n++) assertEquals(pick(route, user(n))[0], 0);
  });

  test("is shared by weight, none where a weight is 0, and a changed weight moves no more keys than it has to", () => {
    const route = (first: number): Route =>
      routeOver(
        [
          { weight: first, addresses: at(1, 1) },
          { weight: 90, addresses: at(2, 1) },
          { weight: 0, addresses: at(3, 1) },
        ],
        byUser,
      );
    const [canary, stable, none] = shares(route(10), 5000, user);
    assertLess(Math.abs(canary! - 500), 75);
    assertEquals([canary! + stable!, none], [5000, 0]);
    const [before, after] = [route(10), route(20)];
    for (let n = 0; n < 1000; n++) if (pick(before, user(n))[0] === 0) assertEquals(pick(after, user(n))[0], 0);
  });

  test("is shared by weights of 1 and 2 as by any others, and evenly where every weight is 0", () => {
    const share = (weights: readonly number[]): number[] => {
      const route = routeOver(
        weights.map((weight, index) => ({ weight, addresses: at(index, 1) })),
        { consistent_hash: { header: "x-user" } },
      );
      const counts = shares(route, 3000, (n) => request({ headers: { "x-user": `u${n}` } }));
      return counts.map((count) => Math.round(count / 100));
    };
    const near = (actual: number[], wanted: number[]): void =>
      actual.forEach((part, i) => {
        assert(Math.abs(part - wanted[i]!) <= 2, `${actual}, not ${wanted}`);
      });
    near(share([1, 2, 0]), [10, 20, 0]);
    near(share([0, 0, 0]), [10, 10, 10]);
  });

  test("goes to the same service in every version of the gateway", () => {
    const services = [1, 2, 3].map((weight, index) => ({ weight, addresses: at(index, 1) }));
    const route = routeOver(services, { consistent_hash: { header: "x-user" } });
    const of = Array.from({ length: 24 }, (_, n) => pick(route, request({ headers: { "x-user": `u${n}` } }))[0]);
    assertEquals(of.join(""), "022100112002212121222212");
  });

  test("without the key goes by the client's address", () => {
    const route = routeOver([{ addresses: at(1, 3) }, { addresses: at(2, 3) }], byUser);
    const seen = new Set<string>();
    for (let client = 0; client < 20; client++) {
      const facts = request({ client: `192.0.2.${client}` });
      const addresses = new Set(Array.from({ length: 9 }, () => pick(route, facts)[1]!.endpoint.address));
      assertEquals(addresses.size, 1);
      seen.add([...addresses][0]!);
    }
    assertGreater(seen.size, 2);
  });
});

describe("services of different priorities", () => {
  const two = (): Route =>
    routeOver([
      { priority: 0, addresses: at(1, 2) },
      { priority: 5, addresses: at(2, 2) },
    ]);

  test("the highest has all requests, whatever the weights below it", () => {
    const route = routeOver([{ priority: -1, weight: 100, addresses: at(1, 2) }, { addresses: at(2, 2) }]);
    assertEquals(shares(route, 20), [0, 20]);
    assertEquals(route.backends.activePriority(), 0);
  });

  test("a lower one is used while none above has an address: not known yet, or none ready", () => {
    const route = two();
    route.of[1]!.upstream.set([]);
    assertEquals([shares(route, 10), route.backends.activePriority()], [[10, 0], 0]);
    route.of[1]!.upstream.set(at(2, 1));
    assertEquals([shares(route, 10), route.backends.activePriority()], [[0, 10], 5]);
  });

  test("a lower one is used while all above are ejected, all of them, and no longer", async () => {
    const route = two();
    ejectAll(route.of[1]!);
    assertEquals(shares(route, 10), [10, 0]);
    await route.clock.advance(10_001);
    assertEquals(shares(route, 10), [0, 10]);
  });

  test("a lower one is used while all above are unhealthy", () => {
    const route = two();
    const { pool } = route.of[1]!;
    for (const target of pool.targets()) pool.mark(target, false);
    assertEquals(shares(route, 10), [10, 0]);
    pool.mark(pool.targets()[0]!, true);
    assertEquals(shares(route, 10), [0, 10]);
  });

  test("where none takes traffic the highest with an address is used", () => {
    const route = routeOver([
      { priority: 2, addresses: [] },
      { priority: 1, addresses: at(1, 1) },
      { priority: 0, addresses: at(2, 1) },
    ]);
    for (const { pool } of route.of) for (const target of pool.targets()) pool.mark(target, false);
    assertEquals(shares(route, 5), [0, 5, 0]);
  });

  test("a retry stays while there are untried addresses, and the last attempt goes to the next priority", () => {
    const facts = request();
    const serviceOf = ({ backends, of }: Route, tried: Target[], last: boolean): number | undefined => {
      const next = backends.next(facts, of[1]!, tried, last);
      if (next === undefined) return undefined;
      assert(!tried.includes(next.target));
      tried.push(next.target);
      return of.indexOf(next.from);
    };
    const route = two();
    const [, first] = pick(route);
    const tried = [first!];
    assertEquals(serviceOf(route, tried, false), 1);
    assertEquals(serviceOf(route, tried, false), 0, "none is left above");
    assertEquals(serviceOf(route, [first!], true), 0);
    const alone = routeOver([{ addresses: [] }, { addresses: at(2, 2) }]);
    assertEquals(
      serviceOf(alone, [pick(alone)[1] ?? alone.of[1]!.pool.targets()[0]!], true),
      1,
      "there is no next one",
    );
  });

  test("a retry passes over priorities whose addresses are all out of turn, while one below takes traffic", () => {
    const route = routeOver([
      { priority: 2, addresses: at(1, 1) },
      { priority: 1, addresses: at(2, 2) },
      { priority: 0, addresses: at(3, 1) },
    ]);
    const [, first] = pick(route);
    ejectAll(route.of[1]!);
    const next = (): number => route.of.indexOf(route.backends.next(request(), route.of[0]!, [first!], true)!.from);
    assertEquals(next(), 2);
    route.of[2]!.upstream.set([]);
    assertEquals(next(), 1, "better one out of turn than none");
  });

  test("clients with a cookie of a lower one go back up with the others", () => {
    const route = routeOver(
      [
        { priority: 0, addresses: at(1, 2) },
        { priority: 1, addresses: at(2, 2) },
      ],
      { sticky_cookie: { name: "at" } },
    );
    const backends: Backends<Route["of"][number]> = route.backends;
    ejectAll(route.of[1]!);
    const low = backends.choose(request());
    const cookie = cookieOf(route.of[0]!.pool.cookie(request(), low.pool.pick(request())!));
    assertEquals(route.of.indexOf(low), 0);
    route.of[1]!.upstream.set(at(3, 2));
    assertEquals(
      shares(route, 5, () => request({ headers: { cookie } })),
      [0, 5],
    );
  });
});
