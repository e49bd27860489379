import { describe, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { assertEquals } from "@std/assert";

const ROOT: string = join(import.meta.dir, "..");

/** The rooms of src, from the entries down to what everything stands on. Imports go down this list, types included. */
const ROOMS: readonly string[] = [
  "main",
  "cli",
  "server",
  "admin",
  "import",
  "manifests",
  "demo",
  "library",
  "gateway",
  "config",
  "reports",
  "proxy",
  "streams",
  "middleware",
  "routing",
  "balancing",
  "telemetry",
  "stores",
  "http",
  "discovery",
  "kubernetes",
  "platform",
  "base",
];

/** A file has one reason to change; tables of cases may be as long as there are cases. */
const LONGEST = 400;
const TABLES: readonly string[] = [
  "test/fixtures/config/bad-configs.ts",
  "test/http/http1/request-cases.ts",
  "test/import/apisix/cases.ts",
  "test/runtimes/cases.ts",
];

interface Import {
  readonly from: string;
  readonly line: number;
  readonly to: string;
}

/** Whatever names another file of ours: imports and re-exports, of values and types, and imports within an expression or a type. */
const IMPORT =
  /^\s*(?:import|export)\b[^"';]*?\bfrom\s+["'](\.[^"']+)["']|^\s*import\s+["'](\.[^"']+)["']|\bimport\(\s*["'](\.[^"']+)["']/gm;

function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(IMPORT)].map((found) => {
    const start = found.index + found[0].length - found[0].trimStart().length;
    const line = text.slice(0, start).split("\n").length;
    return { from: file, line, to: normalize(join(dirname(file), (found[1] ?? found[2] ?? found[3])!)) };
  });
}

/** The entries stand in src itself. */
const roomOf = (file: string): string => (file.split("/").length > 2 ? file.split("/")[1]! : "main");

const filesOf = (pattern: string): string[] => [...new Bun.Glob(pattern).scanSync(ROOT)].sort();
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

const sources: ReadonlyMap<string, string> = new Map(filesOf("src/**/*.{ts,tsx}").map((file) => [file, read(file)]));
const imports: readonly Import[] = [...sources]
  .flatMap(([file, text]) => importsOf(file, text))
  .filter(({ to }) => to.startsWith("src/"));

/** What goes up the list, as `file:line imports file`. */
const upward = (of: readonly Import[]): string[] =>
  of
    .filter(({ from, to }) => ROOMS.indexOf(roomOf(to)) < ROOMS.indexOf(roomOf(from)))
    .map(({ from, line, to }) => `${from}:${line} imports ${to}`);

describe("the house", () => {
  test("has no room that is not in the list", () => {
    assertEquals(
      [...new Set([...sources.keys()].map(roomOf))].filter((room) => !ROOMS.includes(room)),
      [],
    );
  });

  test("has imports that go down only, types included", () => {
    assertEquals(upward(imports), []);
  });

  test("sees an import that goes up, in whatever form it is written", () => {
    for (const line of [
      'import { a } from "../../gateway/gateway.ts";',
      'import type { A } from "../../gateway/gateway.ts";',
      'import "../../gateway/gateway.ts";',
      'export * from "../../gateway/gateway.ts";',
      'export type { A } from "../../gateway/gateway.ts";',
      'const a = await import("../../gateway/gateway.ts");',
      'let a: import("../../gateway/gateway.ts").A;',
      'import {\n  a,\n  type B,\n} from "../../gateway/gateway.ts";',
    ]) {
      assertEquals(upward(importsOf("src/http/http1/x.ts", `import { b } from "../fields.ts";\n\n${line}\n`)), [
        "src/http/http1/x.ts:3 imports src/gateway/gateway.ts",
      ]);
    }
  });

  test("has no circle of rooms", () => {
    const below = new Map(ROOMS.map((room) => [room, new Set<string>()]));
    for (const { from, to } of imports) if (roomOf(from) !== roomOf(to)) below.get(roomOf(from))?.add(roomOf(to));
    // A room that uses none of those left is on no circle; what is left in the end is.
    for (let found = true; found; ) {
      found = false;
      for (const [room, used] of below) {
        if ([...used].some((other) => below.has(other))) continue;
        below.delete(room);
        found = true;
      }
    }
    assertEquals(
      [...below].map(([room, used]) => `${room} uses ${[...used].filter((one) => below.has(one))}`),
      [],
    );
  });

  test("has one meaning for every exported name", () => {
    const declared = new Map<string, Set<string>>();
    const declaration =
      /^export (?:default |async |abstract |declare )*(?:function\*?|const|let|class|type|interface|enum) (\w+)/gm;
    for (const [file, text] of sources) {
      for (const [, name] of text.matchAll(declaration)) {
        declared.set(name!, (declared.get(name!) ?? new Set()).add(file));
      }
    }
    const twice = [...declared].filter(([, files]) => files.size > 1);
    assertEquals(
      twice.map(([name, files]) => `${name}: ${[...files].join(" and ")}`),
      [],
    );
  });

  test("has no file that is longer than 400 lines, tables of cases excepted", () => {
    const long = filesOf("{src,test}/**/*.{ts,tsx}").flatMap((file) => {
      const lines = read(file).split("\n").length - 1;
      return lines <= LONGEST || TABLES.includes(file) ? [] : [`${file}: ${lines} lines`];
    });
    assertEquals(long, []);
  });
});
