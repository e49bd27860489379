import { test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { assert, assertEquals } from "@std/assert";

const SRC = join(import.meta.dir, "../../src");
const transpiler = new Bun.Transpiler({ loader: "ts" });

/** The files of src that one loads, itself included: imports of types alone load nothing. */
function loadedBy(file: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const { path } of transpiler.scanImports(readFileSync(file, "utf8"))) {
    if (path.startsWith(".")) loadedBy(join(dirname(file), path), loaded);
  }
  return loaded;
}

test("reading a config file loads no middleware and nothing that serves requests", () => {
  const rooms = new Set([...loadedBy(join(SRC, "config/load.ts"))].map((file) => relative(SRC, file).split("/")[0]!));
  assert(rooms.has("config"));
  for (const room of ["middleware", "proxy", "gateway", "server", "streams", "telemetry"]) {
    assertEquals(rooms.has(room), false, room);
  }
});
