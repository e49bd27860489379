import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { plugin } from "bun";
import * as hono from "hono";
import * as cookie from "hono/cookie";
import * as factory from "hono/factory";
import * as httpException from "hono/http-exception";
import { createModuleLoader, generationMark } from "../module-loader.ts";

/** What a user's middleware may import of ours, where there is no node_modules to find it in. */
const PROVIDED: Readonly<Record<string, object>> = {
  hono,
  "hono/cookie": cookie,
  "hono/factory": factory,
  "hono/http-exception": httpException,
};

/**
 * Bun evaluates a file again under another name, such as one with a query. What it imports would still be the old file:
 * a plugin gives those names of the same generation. It is not asked for names without an extension and for JSON, so
 * these are taken out of the cache.
 */

/** The generation of each file of the user's modules. */
const generations = new Map<string, number>();
const cache = createRequire(import.meta.url).cache;
let hooked = false;

/**
 * Lets modules import what is provided, with all else they import installed beside them, and files of their own
 * generation.
 */
function hook(): void {
  hooked = true;
  plugin({
    name: "the user's modules",
    setup(build) {
      for (const [name, exports] of Object.entries(PROVIDED)) {
        build.module(name, () => ({ exports: { ...exports }, loader: "object" }));
      }
      build.onResolve({ filter: /^\.\.?\/.*\.[cm]?[jt]sx?$/ }, ({ path, importer }) => {
        const from = importer.replace(/\?.*$/, "");
        const generation = generations.get(from);
        if (generation === undefined) return undefined;
        const file = resolve(dirname(from), path);
        return generations.has(file) ? { path: file + generationMark(generation) } : undefined;
      });
    },
  });
}

/**
 * Modules of the user's on Bun, alike from source and in the executable. Those of earlier generations can be collected.
 */
export const bunModules = createModuleLoader({
  begin(files, generation) {
    if (!hooked) hook();
    for (const file of files) {
      const before = generations.get(file);
      delete cache[file];
      if (before !== undefined) delete cache[file + generationMark(before)];
      generations.set(file, generation);
    }
  },
  evaluate: (path, generation) => import(path + generationMark(generation)),
});
