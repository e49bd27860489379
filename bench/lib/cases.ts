import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How many routes the gateway has in these benchmarks. */
export const ROUTES = 1000;

/** One kind of request, and by how many connections at once it comes. */
export interface Case {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  readonly scheme: "http" | "https";
  /** wrk's Lua script, for what a plain GET is not. */
  readonly script?: string;
  /** HTTP/2 with so many streams on each connection. */
  readonly streams?: number;
  /** The gateway that is measured, and beside whom; a peer that is not installed is left out. The first is the floor. */
  readonly peers: readonly string[];
  readonly gateway: string;
  /** What its CPU per request may be, as a share of a peer's. */
  readonly limits: Readonly<Record<string, number>>;
}

function lua(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "bench-")), "requests.lua");
  writeFileSync(path, text);
  return path;
}

const post = (bytes: number): string => lua(`wrk.method = "POST"\nwrk.body = string.rep("x", ${bytes})\n`);

/** Every route is asked for in its turn: a load on one route alone keeps all its data in the processor's caches. */
const byTurns = lua(`
local at = 0
request = function()
  at = (at + 7) % ${ROUTES - 1}
  return wrk.format("GET", "/r" .. at .. "/x")
end
`);

const plain = { path: "/anything/x", connections: 64, scheme: "http", gateway: "podway" } as const;

/** What the main promise is about. */
export const SMALL: Case = {
  ...plain,
  name: `GET, 12-byte answers, ${ROUTES} routes by turns`,
  script: byTurns,
  peers: ["bare Bun", "podway", "nginx", "haproxy"],
  limits: { "bare Bun": 0.7, nginx: 1.3 },
};

/** The same with an access log. */
export const LOGGED: Case = {
  ...SMALL,
  name: `${SMALL.name}, access log on`,
  peers: ["nginx, access log on", "podway, access log on"],
  gateway: "podway, access log on",
  limits: { "nginx, access log on": 1.5 },
};

const rivals = ["bare Bun", "podway", "nginx", "haproxy"];
const secure = ["nginx, TLS", "podway, TLS", "haproxy, TLS", "bare Bun, TLS"];

export const OTHERS: readonly Case[] = [
  { ...plain, name: "GET, one route asked for", peers: rivals, limits: {} },
  { ...plain, name: "GET, 100 kB answers", path: "/large", peers: rivals, limits: { nginx: 1.5 } },
  { ...plain, name: "POST with 10 kB", script: post(10_240), peers: rivals, limits: {} },
  { ...plain, name: "GET over 1,000 connections", connections: 1000, peers: rivals, limits: { nginx: 1.5 } },
  {
    ...plain,
    name: "GET with TLS in front",
    scheme: "https",
    peers: secure,
    gateway: "podway, TLS",
    limits: { "nginx, TLS": 1.5 },
  },
  {
    ...plain,
    name: "GET over HTTP/2 with TLS, 8 streams a connection",
    scheme: "https",
    connections: 16,
    streams: 8,
    peers: secure,
    gateway: "podway, TLS",
    limits: { "nginx, TLS": 2 },
  },
];
