import { createPool, type PoolOptions } from "../../src/balancing/pool.ts";
import type { Target } from "../../src/balancing/types.ts";
import type { Endpoint, Upstream } from "../../src/discovery/types.ts";
import type { IncomingRequest } from "../../src/http/request.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { seededRandom } from "../helpers/random.ts";

/** An endpoint as discovery makes it. */
export function endpoint(
  host: string,
  settings: Partial<Pick<Endpoint, "port" | "weight" | "uid" | "priority" | "preferred">> = {},
): Endpoint {
  const { port = 8080, weight = 50, uid = `uid-of-${host}`, priority = 0, preferred = true } = settings;
  const rest = { pod: undefined, zone: undefined, terminating: false, priority, preferred };
  return Object.freeze({ host, port, weight, address: `${host}:${port}`, uid, ...rest });
}

/** `count` endpoints, 10.0.0.1 and so on, sorted as discovery sorts them. */
export const endpoints = (count: number, settings: Parameters<typeof endpoint>[1] = {}): Endpoint[] =>
  sorted(Array.from({ length: count }, (_, i) => endpoint(`10.0.${Math.floor(i / 250)}.${(i % 250) + 1}`, settings)));

const sorted = (list: Endpoint[]): Endpoint[] =>
  list.sort((a, b) => (a.host === b.host ? a.port - b.port : a.host < b.host ? -1 : 1));

/** A request, with what a test wants to say about it. */
export function request(settings: { headers?: HeadersInit; search?: string; client?: string } = {}): IncomingRequest {
  const { headers = {}, search = "", client = "192.0.2.7" } = settings;
  const target = {
    started: 0,
    method: "GET",
    scheme: "http",
    host: "example.org",
    authority: "example.org",
    port: "80",
    path: "/",
  } as const;
  return { ...target, search, headers: new Headers(headers), peer: client, client };
}

/** An upstream whose endpoints a test changes. */
export interface TestUpstream extends Upstream {
  set(list: readonly Endpoint[]): void;
}

/** Keeps discovery's promises: sorted, and another array for every change. */
export function testUpstream(list: readonly Endpoint[], name = "default/web"): TestUpstream {
  let current: readonly Endpoint[] = Object.freeze(sorted([...list]));
  return {
    name,
    cluster: "",
    endpoints: () => current,
    refresh: () => undefined,
    reason: () => undefined,
    set(next) {
      current = Object.freeze(sorted([...next]));
    },
  };
}

/** A pool over endpoints that a test changes, with passive health as by default. */
export function poolOver(list: readonly Endpoint[], settings: Partial<Omit<PoolOptions, "upstream" | "clock">> = {}) {
  const upstream = testUpstream(list);
  const clock = createFakeClock();
  const pool = createPool({
    upstream,
    scheme: "http",
    balancer: "round_robin",
    passive: { failures: 2, eject: 10_000 },
    random: seededRandom(1),
    ...settings,
    clock,
  });
  return { pool, upstream, clock };
}

/** How often each address was picked. */
export function countPicks(pick: () => Target | undefined, times: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < times; i++) {
    const address = pick()?.endpoint.address ?? "none";
    counts.set(address, (counts.get(address) ?? 0) + 1);
  }
  return counts;
}
