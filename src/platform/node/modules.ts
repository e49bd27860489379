import * as nodeModule from "node:module";
import { pathToFileURL } from "node:url";
import { createModuleLoader, generationMark } from "../module-loader.ts";

interface Resolved {
  readonly url: string;
}

/** What is used of `node:module`, which Deno has too: the types of the one who runs the tests lack it. */
type RegisterHooks = (hooks: {
  resolve(
    specifier: string,
    context: { readonly parentURL?: string },
    next: (specifier: string, context: object) => Resolved,
  ): Resolved;
}) => void;

let hooked = false;

/** What a file of some generation imports is of that generation, unless it is installed. */
function hook(): void {
  hooked = true;
  const { registerHooks } = nodeModule as unknown as { registerHooks?: RegisterHooks };
  registerHooks?.({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const mark = /\?podway=\d+$/.exec(context.parentURL ?? "")?.[0];
      const { url } = resolved;
      if (mark === undefined || !url.startsWith("file:") || url.includes("/node_modules/")) return resolved;
      return { ...resolved, url: url + mark };
    },
  });
}

/**
 * Modules of the user's on Deno and Node, which evaluate a file again under another URL. They never forget one: each
 * change of a module keeps what it was before in memory until the process ends.
 */
export const nodeModules = createModuleLoader({
  begin() {
    if (!hooked) hook();
  },
  evaluate: (path, generation) => import(pathToFileURL(path).href + generationMark(generation)),
});
