import { describe, test } from "bun:test";
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { fuzz, recordings } from "./fuzz.ts";

describe("an apiserver whose bytes are damaged", () => {
  test("never crashes, hangs or misleads the client: 20,000 mutations of recorded lists and watches", async () => {
    const { cases, next, growth } = await fuzz({ cases: 20_000, seed: 1 });
    assertEquals((next.list ?? 0) + (next.watch ?? 0) + (next.page ?? 0), cases);
    // A fuzzer whose mutations are all refused, or all harmless, tests nothing.
    assertGreater(next.list ?? 0, cases / 10);
    assertGreater(next.watch ?? 0, cases / 10);
    assertLess(growth, 32 * 2 ** 20);
  }, 600_000);

  test("is played from recordings of the embedded and of a real one, of both kinds of objects", () => {
    const names = recordings().map(({ name }) => name);
    assertEquals(names, ["embedded-endpoints", "embedded-endpointslices", "real-endpoints", "real-endpointslices"]);
    for (const { list, watch } of recordings()) assert(list.length > 500 && watch.length > 500);
  });
});
