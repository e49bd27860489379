import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROUTES } from "./peers.ts";

/** One kind of request, and by how many connections at once it comes. */
export interface Case {
  readonly name: string;
  /** What is asked for, one after the other. */
  readonly paths: readonly string[];
  readonly connections: number;
  /** Which of a peer's ports is asked. */
  readonly port: "plain" | "log" | "tls";
  /** Streams at a time on each connection: HTTP/2; left out: HTTP/1.1. */
  readonly streams?: number;
  /** Bytes of each request's body; left out: it is a GET. */
  readonly body?: number;
  /** What CPU per request may be, as a share of what a peer takes. */
  readonly limits: Readonly<Record<string, number>>;
}

const paths = (rest: string, routes = ROUTES): string[] => Array.from({ length: routes }, (_, i) => `/r${i}/${rest}`);

/** All routes by turns: a request meets nothing that the one before it left in the processor's caches. */
export const SMALL: Case = {
  name: "GET of 12 bytes, 1,000 routes by turns",
  paths: paths("x"),
  connections: 64,
  port: "plain",
  limits: { nginx: 1.3, "bare Bun": 0.7 },
};

/** The others. */
export const OTHERS: readonly Case[] = [
  { ...SMALL, name: "the same with one route", paths: paths("x", 1), limits: {} },
  { ...SMALL, name: "the same with the access log", port: "log", limits: { nginx: 1.5 } },
  { ...SMALL, name: "GET of 100 kB", paths: paths("large"), limits: { nginx: 1.5 } },
  { ...SMALL, name: "GET with TLS in front", port: "tls", limits: { nginx: 1.5 } },
  { ...SMALL, name: "GET over 1,000 connections", connections: 1000, limits: { nginx: 1.5 } },
  { ...SMALL, name: "GET over HTTP/2 and TLS", connections: 16, streams: 8, port: "tls", limits: { nginx: 2 } },
  { ...SMALL, name: "POST of 10 kB", body: 10_240, limits: {} },
];

/** Writes what load generators read of a case into a folder: wrk a script, h2load a list of URLs. */
export function writeInputs(folder: string, { paths, body }: Case): { readonly script: string; readonly urls: string } {
  const [script, urls] = [join(folder, "load.lua"), join(folder, "urls.txt")];
  const content = body === undefined ? "nil" : `string.rep("x", ${body})`;
  // Every request is made before the first leaves; wrk keeps one state for all connections of its thread.
  writeFileSync(
    script,
    `local paths = {${paths.map((path) => JSON.stringify(path)).join(",")}}
local requests, at = {}, 0
init = function()
  local body = ${content}
  for i, path in ipairs(paths) do requests[i] = wrk.format(body and "POST" or "GET", path, nil, body) end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
`,
  );
  writeFileSync(urls, paths.map((path) => `https://127.0.0.1${path}\n`).join(""));
  return { script, urls };
}
