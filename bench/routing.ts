import { METHOD_NAME_ALL } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { TrieRouter } from "hono/router/trie-router";
import * as v from "valibot";
import { applyDefaults } from "../src/config/defaults.ts";
import type { FileFormat, RouteConfig } from "../src/config/schema.ts";
import { FORMAT } from "../src/gateway/format.ts";
import type { IncomingRequest } from "../src/http/request.ts";
import { compileRoutes } from "../src/routing/table.ts";

/** One kind of config: how its nth route looks, and a request that this route takes. */
interface Shape {
  name: string;
  route(n: number): v.InferInput<FileFormat["route"]>;
  /** Its routes can only be tried in turn: the cost grows with their number, and no promise speaks of it. */
  inTurn?: true;
  request(n: number): { path?: string; host?: string; search?: string; headers?: Record<string, string> };
}

const SHAPES: readonly Shape[] = [
  {
    name: "different prefixes",
    route: (n) => ({ path: `/api/service-${n}` }),
    request: (n) => ({ path: `/api/service-${n}/items/7` }),
  },
  {
    name: "different prefixes, path with escapes",
    route: (n) => ({ path: `/api/service-${n}` }),
    request: (n) => ({ path: `/api/service-${n}/caf%C3%A9/a%2Fb` }),
  },
  {
    name: "different exact paths",
    route: (n) => ({ path: { exact: `/api/service-${n}` } }),
    request: (n) => ({ path: `/api/service-${n}` }),
  },
  {
    name: "different hosts",
    route: (n) => ({ hosts: [`shop-${n}.example.org`] }),
    request: (n) => ({ host: `shop-${n}.example.org`, path: "/cart/7" }),
  },
  {
    name: "different wildcard hosts",
    route: (n) => ({ hosts: [`*.shop-${n}.example.org`] }),
    request: (n) => ({ host: `eu.shop-${n}.example.org`, path: "/cart/7" }),
  },
  {
    name: "one path, different header values",
    route: (n) => ({ path: "/api", headers: { "x-tenant": `tenant-${n}` } }),
    request: (n) => ({ path: "/api/items", headers: { "x-tenant": `tenant-${n}` } }),
  },
  {
    name: "one path, different query values",
    route: (n) => ({ path: "/api", query: { tenant: `tenant-${n}` } }),
    request: (n) => ({ path: "/api/items", search: `?page=1&tenant=tenant-${n}` }),
  },
  {
    name: "regexes that begin with a literal segment",
    route: (n) => ({ path: { regex: `^/service-${n}/[0-9]+$` } }),
    request: (n) => ({ path: `/service-${n}/7` }),
  },
  {
    name: "regexes without one, tried in turn",
    inTurn: true,
    route: (n) => ({ path: { regex: `/service-${n}/[0-9]+$` } }),
    request: (n) => ({ path: `/api/service-${n}/7` }),
  },
];

const SIZES = [10, 100, 1_000, 10_000] as const;
/** How many different requests take turns, so that no single one stays in the processor's caches. */
const REQUESTS = 256;
/** With 1,000 routes a match may take this many times what it takes with 10 … */
const FLAT = 2;
/** … and this much more, in nanoseconds: 256 different routes do not fit the processor's caches as 10 do. */
const CACHES_NS = 100;
/** Nanoseconds a match may take with 1,000 routes. */
const BUDGET_NS = 2_000;
/** A figure is the best of many short rounds, since whatever else runs on the machine only ever adds to it. */
const ROUNDS = 10;
const ROUND_MS = 15;

const facts = ({ path = "/", host = "gateway.test", search = "", headers = {} }: ReturnType<Shape["request"]>) =>
  ({
    method: "GET",
    started: 0,
    scheme: "http",
    host,
    authority: host,
    port: "80",
    path,
    search,
    headers: new Headers(headers),
    peer: "127.0.0.1",
    client: "127.0.0.1",
  }) satisfies IncomingRequest;

const rules = (shape: Shape, size: number): RouteConfig[] => {
  const routes = Array.from({ length: size }, (_, n) => ({ id: n, ...shape.route(n) }));
  return applyDefaults(v.parse(FORMAT.file, { routes }), { env: {}, pod: {} }).routes;
};

/** Nanoseconds of one call, the best round; the first ones warm up. */
const nanoseconds = (call: (n: number) => unknown): number => {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    let calls = 0;
    let spent = 0;
    while (spent < ROUND_MS) {
      for (let n = 0; n < REQUESTS; n++) call(n);
      calls += REQUESTS;
      spent = performance.now() - started;
    }
    best = Math.min(best, (spent / calls) * 1e6);
  }
  return Math.round(best);
};

/** Which route the nth request is for: spread over all of them. */
const target = (n: number, size: number): number => (n * 7919) % size;

const ourTable = (shape: Shape, size: number): number => {
  const table = compileRoutes(rules(shape, size).map((rule) => ({ rule })));
  const requests = Array.from({ length: REQUESTS }, (_, n) => facts(shape.request(target(n, size))));
  for (const [n, request] of requests.entries()) {
    const id = table.match(request)?.rule.id;
    if (id !== String(target(n, size))) throw new Error(`${shape.name}: request ${n} took route ${id}`);
  }
  return nanoseconds((n) => table.match(requests[n]!));
};

/** Hono's routers by themselves over the first shape: why the table stands on the one it does. */
const honoRouter = (make: () => TrieRouter<number> | RegExpRouter<number>, size: number): number => {
  const router = make();
  for (let n = 0; n < size; n++) router.add(METHOD_NAME_ALL, `/api/service-${n}/*`, n);
  const paths = Array.from({ length: REQUESTS }, (_, n) => `/api/service-${target(n, size)}/items/7`);
  return nanoseconds((n) => router.match(METHOD_NAME_ALL, paths[n]!));
};

const kept = (ns: readonly number[]): boolean => ns[2]! <= FLAT * ns[0]! + CACHES_NS && ns[2]! <= BUDGET_NS;

/**
 * Nanoseconds per match by number of routes, on stdout: a table, or with `json` one line. Resolves to whether 1,000
 * routes cost no more than 10 in every shape that can be indexed, by the bounds above. RegExpRouter is not measured
 * with 10,000 routes, since it takes seconds to build then.
 */
export async function run(args: { json: boolean }): Promise<boolean> {
  const shapes = SHAPES.map((shape) => ({ ...shape, ns: SIZES.map((size) => ourTable(shape, size)) }));
  const flat = shapes.filter(({ inTurn }) => !inTurn).every(({ ns }) => kept(ns));
  const small = SIZES.filter((size) => size <= 1_000);
  const rows = [
    ...shapes,
    { name: "Hono's TrieRouter alone", ns: SIZES.map((size) => honoRouter(() => new TrieRouter(), size)) },
    { name: "Hono's RegExpRouter alone", ns: small.map((size) => honoRouter(() => new RegExpRouter(), size)) },
  ];
  if (args.json) {
    const named = rows.map(({ name, ns }) => [name, Object.fromEntries(ns.map((one, i) => [SIZES[i], one]))]);
    process.stdout.write(`${JSON.stringify({ bench: "routing", ns_per_match: Object.fromEntries(named), flat })}\n`);
    return flat;
  }
  const width = Math.max(...rows.map(({ name }) => name.length));
  const line = (name: string, cells: readonly (number | string)[]): string =>
    `${name.padEnd(width)}${cells.map((cell) => String(cell).padStart(10)).join("")}\n`;
  process.stdout.write(line("ns per match, by number of routes", SIZES));
  for (const { name, ns } of rows) process.stdout.write(line(name, ns));
  process.stdout.write(`1,000 routes cost ${flat ? "no more than" : "MORE THAN"} 10, routes tried in turn apart\n`);
  return flat;
}
