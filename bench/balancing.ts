import type { BalancerConfig } from "../src/balancing/options.ts";
import { createPool } from "../src/balancing/pool.ts";
import type { Pool } from "../src/balancing/types.ts";
import { systemClock } from "../src/base/clock.ts";
import type { Endpoint, Upstream } from "../src/discovery/types.ts";
import type { IncomingRequest } from "../src/http/request.ts";

const SIZES = [3, 100, 5000];
/** Long enough for a stable figure, short enough for all of them together. */
const MEASURE_MS = 150;
const BATCH = 10_000;

interface Case {
  name: string;
  balancer: BalancerConfig;
  /** How many different weights the endpoints have. */
  weights: number;
}

const CASES: readonly Case[] = [
  { name: "round_robin", balancer: "round_robin", weights: 1 },
  { name: "round_robin, 2 weights", balancer: "round_robin", weights: 2 },
  { name: "round_robin, 50 weights", balancer: "round_robin", weights: 50 },
  { name: "least_requests", balancer: "least_requests", weights: 1 },
  { name: "random, 50 weights", balancer: "random", weights: 50 },
  { name: "consistent_hash header", balancer: { consistent_hash: { header: "x-user" } }, weights: 1 },
  { name: "consistent_hash client_ip", balancer: { consistent_hash: { client_ip: true } }, weights: 1 },
  { name: "sticky_cookie", balancer: { sticky_cookie: { name: "podway" } }, weights: 1 },
];

interface Figure {
  policy: string;
  endpoints: number;
  /** Nanoseconds for one pick. */
  pick: number;
  /** Microseconds for the first pick after one endpoint was replaced by another. */
  change: number;
}

/** As a service's endpoints after so many of them, one after the other, got another address. */
function endpointsOf(count: number, weights: number, generation: number): readonly Endpoint[] {
  return Array.from({ length: count }, (_, i) => {
    const replaced = i === generation % count;
    const host = `10.${replaced ? 1 : 0}.${Math.floor(i / 250)}.${(i % 250) + 1}`;
    const weight = 50 + (i % weights);
    const rest = { pod: undefined, zone: undefined, terminating: false, preferred: true, priority: 0 };
    return { host, port: 8080, weight, address: `${host}:8080`, uid: `uid-of-${host}`, ...rest };
  });
}

/** Clients that differ in what every policy looks at. */
const requests: readonly IncomingRequest[] = Array.from({ length: 64 }, (_, i) => ({
  started: 0,
  method: "GET",
  scheme: "http",
  host: "example.org",
  authority: "example.org",
  port: "80",
  path: "/",
  search: "",
  headers: new Headers({ "x-user": `7c9e6679-7425-40de-944b-e07fc1f90a${i}`, cookie: "theme=dark; lang=de" }),
  peer: `192.0.2.${i}`,
  client: `192.0.2.${i}`,
}));

/** The same clients with the cookies a sticky pool gave them. */
function withCookies(pool: Pool): readonly IncomingRequest[] {
  return requests.map((request) => {
    const line = pool.cookie(request, pool.pick(request)!);
    if (line === undefined) return request;
    return { ...request, headers: new Headers({ cookie: `theme=dark; lang=de; ${line.split(";", 1)[0]}` }) };
  });
}

function measure({ name, balancer, weights }: Case, count: number): Figure {
  let list = endpointsOf(count, weights, 0);
  const upstream: Upstream = {
    name: "default/web:http",
    cluster: "",
    endpoints: () => list,
    refresh: () => undefined,
    reason: () => undefined,
  };
  const passive = { failures: 2, eject: 10_000 };
  const pool = createPool({ upstream, scheme: "http", balancer, passive, clock: systemClock, random: Math.random });
  const clients = withCookies(pool);

  const batch = (): void => {
    for (let i = 0; i < BATCH; i++) pool.pick(clients[i & 63]!);
  };
  batch();
  let picks = 0;
  const start = performance.now();
  while (performance.now() - start < MEASURE_MS) {
    batch();
    picks += BATCH;
  }
  const pick = ((performance.now() - start) * 1e6) / picks;

  const generations = Array.from({ length: 20 }, (_, i) => endpointsOf(count, weights, i + 1));
  const changed = performance.now();
  for (const next of generations) {
    list = next;
    pool.pick(clients[0]!);
  }
  const change = ((performance.now() - changed) * 1e3) / generations.length;
  return { policy: name, endpoints: count, pick, change };
}

/** What a pick costs, per policy and size of the pool, and what a change of the endpoints does. */
export async function run({ json }: { json: boolean }): Promise<boolean> {
  const figures = CASES.flatMap((one) => SIZES.map((count) => measure(one, count)));
  const write = (line: string): boolean => process.stdout.write(`${line}\n`);
  if (json) {
    write(JSON.stringify({ bench: "balancing", figures }));
    return true;
  }
  write(`${"policy".padEnd(27)}${"endpoints".padStart(10)}${"ns/pick".padStart(10)}${"us/change".padStart(11)}`);
  for (const { policy, endpoints, pick, change } of figures) {
    write(
      policy.padEnd(27) +
        String(endpoints).padStart(10) +
        pick.toFixed(0).padStart(10) +
        change.toFixed(0).padStart(11),
    );
  }
  return true;
}
