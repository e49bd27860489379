import { plugin } from "bun";
import * as hono from "hono";
import * as cookie from "hono/cookie";
import * as factory from "hono/factory";
import * as httpException from "hono/http-exception";
import { BUN_REQUEST_LIMIT } from "./bun-host.ts";

/** What a user's middleware may import of ours, where there is no node_modules to find it in. */
const PROVIDED: Readonly<Record<string, object>> = {
  hono,
  "hono/cookie": cookie,
  "hono/factory": factory,
  "hono/http-exception": httpException,
};

/**
 * Begins anew with the limit of Bun's fetch raised, where the environment says nothing of it: Bun reads it
 * once, before any code of ours runs. The process stays the same one (execve(2)), so that whoever started it sees no
 * difference. Returns where there is nothing to do, or no execve.
 */
export function raiseRequestLimit(): void {
  const { name, value } = BUN_REQUEST_LIMIT;
  if (process.env[name] !== undefined || process.execve === undefined) return;
  try {
    process.execve(process.execPath, [process.execPath, ...process.argv.slice(2)], { ...process.env, [name]: value });
  } catch {
    // A system that has no execve, or none for us (seccomp): serving with the limit is better than not serving.
  }
}

/** Lets modules outside of the executable import what is inside. What else they import must be beside them. */
export function provideModules(): void {
  plugin({
    name: "what the executable holds",
    setup(build) {
      for (const [name, exports] of Object.entries(PROVIDED)) {
        build.module(name, () => ({ exports: { ...exports }, loader: "object" }));
      }
    },
  });
}
