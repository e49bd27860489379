import { createPool, type PoolOptions } from "../../src/balancing/pool.ts";
import type { Target } from "../../src/balancing/types.ts";
import type { Clock } from "../../src/base/clock.ts";
import type { Endpoint, Upstream } from "../../src/discovery/types.ts";
import type { RequestFacts } from "../../src/http/request.ts";

/** A clock that stands still until it is moved. */
export interface HandClock extends Clock {
  /** Moves on by `ms`, running what falls due on the way, each with everything that follows from it at once. */
  advance(ms: number): Promise<void>;
}

/** Starts at a time that is no multiple of a second. */
export function handClock(): HandClock {
  let time = 1_700_000_000_123;
  const timers = new Set<{ at: number; fn: () => void }>();
  const after = (ms: number, fn: () => void): (() => void) => {
    const timer = { at: time + ms, fn };
    timers.add(timer);
    return () => timers.delete(timer);
  };
  /** Lets promise chains of the code under test run to their next timer. */
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    now: () => time,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const cancel = after(ms, resolve);
        signal?.addEventListener("abort", () => {
          cancel();
          reject(signal.reason);
        });
      }),
    async advance(ms) {
      const end = time + ms;
      for (;;) {
        await settle();
        const due = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers.delete(due);
        time = Math.max(time, due.at);
        due.fn();
      }
      time = end;
    },
  };
}

/** Numbers that look random and are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

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
export function request(settings: { headers?: HeadersInit; search?: string; client?: string } = {}): RequestFacts {
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
  const clock = handClock();
  const pool = createPool({
    upstream,
    scheme: "http",
    balancer: "round_robin",
    passive: { failures: 2, eject: 10_000 },
    random: seeded(1),
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
