import { describe, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { middlewareNames } from "../../scripts/reference/keys.ts";
import { REFERENCE } from "../../scripts/reference/pages.ts";

const FOLDER = join(import.meta.dir, "../../docs/reference");

describe("docs/reference", () => {
  for (const [name, page] of Object.entries(REFERENCE)) {
    test(`${name} is what the program defines now (bun run reference writes it)`, () => {
      assertEquals(readFileSync(join(FOLDER, name), "utf8"), page());
    });
  }

  test("has every middleware that docs/routes.md speaks of, and the other way round", () => {
    const prose = readFileSync(join(FOLDER, "../routes.md"), "utf8");
    const section = prose.slice(prose.indexOf("\n## Middleware\n"), prose.indexOf("\n## Modules of your own\n"));
    const rows = section.split("\n").filter((line) => line.startsWith("| "));
    const named = rows.flatMap((row) => [...row.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
    assertEquals([...new Set(named)].sort(), middlewareNames().sort());
  });

  test("has no page that nothing writes", () => {
    assertEquals(readdirSync(FOLDER).sort(), Object.keys(REFERENCE).sort());
  });
});
