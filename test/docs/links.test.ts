import { describe, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { errors, IN_POD, warnings } from "../config/support.ts";

const ROOT = join(import.meta.dir, "../..");
const PAGES = ["*.md", "docs/**/*.md", "examples/**/*.md", "deploy/**/*.md"]
  .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(ROOT)])
  .sort();

/** What a heading is linked by, as GitHub makes it. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

const anchorsOf = (text: string): string[] => [
  ...[...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchor(heading!)),
  ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id!),
];

describe("every page", () => {
  for (const page of PAGES) {
    test(`${page} links to what is there`, () => {
      const text = readFileSync(join(ROOT, page), "utf8").replace(/^```[\s\S]*?^```/gm, "");
      const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
        if (/^[a-z]+:/.test(link!)) return [];
        const [path, heading] = link!.split("#");
        const target = path === "" ? join(ROOT, page) : join(ROOT, dirname(page), path!);
        if (!existsSync(target)) return [link!];
        if (heading === undefined || anchorsOf(readFileSync(target, "utf8")).includes(heading)) return [];
        return [link!];
      });
      assertEquals(broken, []);
    });
  }
});

describe("the README's config", () => {
  const blocks = [...readFileSync(join(ROOT, "README.md"), "utf8").matchAll(/^```yaml\n([\s\S]*?)^```/gm)];
  for (const [index, block] of blocks.entries()) {
    test(`${index + 1} of ${blocks.length} is valid`, () => {
      const world = { ...IN_POD, env: { ...IN_POD.env, HOME: "/home/user" } };
      assertEquals([...errors(block[1]!, world), ...warnings(block[1]!, world)], []);
    });
  }
});

test("the README stays a first page", () => {
  assertLessOrEqual(readFileSync(join(ROOT, "README.md"), "utf8").split("\n").length, 161);
});
