import { plugin } from "bun";
import * as hono from "hono";
import * as cookie from "hono/cookie";
import * as factory from "hono/factory";
import * as httpException from "hono/http-exception";
import { nodeFiles } from "./node-files.ts";

const importFile = nodeFiles.importModule!;

/** What a user's middleware may import of ours, where there is no node_modules to find it in. */
const PROVIDED: Readonly<Record<string, object>> = {
  hono,
  "hono/cookie": cookie,
  "hono/factory": factory,
  "hono/http-exception": httpException,
};

let provided = false;

/** Lets modules that a config names import those; what else they import must be installed beside them. */
function provideModules(): void {
  if (provided) return;
  provided = true;
  plugin({
    name: "what the gateway provides",
    setup(build) {
      for (const [name, exports] of Object.entries(PROVIDED)) {
        build.module(name, () => ({ exports: { ...exports }, loader: "object" }));
      }
    },
  });
}

/** See `Files.importModule`: on Bun, alike from source and in the executable. */
export async function importModule(path: string, beside: string): Promise<unknown> {
  provideModules();
  return await importFile(path, beside);
}
