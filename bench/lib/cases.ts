import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One kind of request, and by how many connections at once it comes. */
export interface Case {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  readonly scheme: "http" | "https";
  /** wrk's Lua script, for what a plain GET is not. */
  readonly script?: string;
}

function post(bytes: number): string {
  const path = join(mkdtempSync(join(tmpdir(), "bench-")), "post.lua");
  writeFileSync(path, `wrk.method = "POST"\nwrk.body = string.rep("x", ${bytes})\n`);
  return path;
}

/** What the promises are about. */
export const SMALL: Case = {
  name: "GET, 12-byte answers",
  path: "/anything/x",
  connections: 32,
  scheme: "http",
};

/** The others, whose figures are told beside the peers'. */
export const OTHERS: readonly Case[] = [
  { name: "GET, 100 kB answers", path: "/large", connections: 32, scheme: "http" },
  { name: "POST with 10 kB", path: "/anything/x", connections: 32, scheme: "http", script: post(10_240) },
  { name: "GET over 1,000 connections", path: "/anything/x", connections: 1000, scheme: "http" },
  { name: "GET with TLS in front", path: "/anything/x", connections: 32, scheme: "https" },
];
