import { describe, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { REFERENCE } from "../../scripts/reference/pages.ts";

const FOLDER = join(import.meta.dir, "../../docs/reference");

describe("docs/reference", () => {
  for (const [name, page] of Object.entries(REFERENCE)) {
    test(`${name} is what the program defines now (bun run reference writes it)`, () => {
      assertEquals(readFileSync(join(FOLDER, name), "utf8"), page());
    });
  }

  test("has no page that nothing writes", () => {
    assertEquals(readdirSync(FOLDER).sort(), Object.keys(REFERENCE).sort());
  });
});
