import { cp, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Files beside a config: modules of a user's own, one for each way of importing something, and the packages they import. */
const FILES: Readonly<Record<string, string>> = {
  "inside.ts": `import { createMiddleware } from "hono/factory";
export default () => createMiddleware(async (c, next) => { await next(); c.header("x-inside", "yes"); });
`,
  "hono-part.ts": `import { secureHeaders } from "hono/secure-headers";
export default () => secureHeaders();
`,
  "exported.ts": `import { value } from "with-exports/part";
export default () => async (c: any, next: any) => { await next(); c.header("x-exported", value); };
`,
  "common.ts": `import value from "common";
export default () => async (c: any, next: any) => { await next(); c.header("x-common", value); };
`,
  "node_modules/with-exports/package.json": `{ "name": "with-exports", "exports": { "./part": "./lib/a-part.js" } }`,
  "node_modules/with-exports/lib/a-part.js": `export const value = "yes";`,
  "node_modules/common/package.json": `{ "name": "common", "main": "./entry.cjs" }`,
  "node_modules/common/entry.cjs": `module.exports = "yes";`,
};

/** The middleware that loads all of them. */
export const OWN_MODULES = ["inside", "hono-part", "exported", "common"].map((name) => ({ use: `./${name}.ts` }));

/** What an answer has of each, where all were loaded. */
export const OWN_MODULES_HEADERS = {
  "x-inside": "yes",
  "x-frame-options": "SAMEORIGIN",
  "x-exported": "yes",
  "x-common": "yes",
} as const;

/** The values of those headers in an answer. */
export const ownModulesHeaders = (answer: Response): Record<string, string | null> =>
  Object.fromEntries(Object.keys(OWN_MODULES_HEADERS).map((name) => [name, answer.headers.get(name)]));

/** Writes them into the folder that the config file is in. */
export async function writeOwnModules(folder: string): Promise<void> {
  for (const [name, text] of Object.entries(FILES)) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  await cp(join(import.meta.dir, "../../node_modules/hono"), join(folder, "node_modules/hono"), { recursive: true });
}
