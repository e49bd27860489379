import { test } from "bun:test";
import { assertGreater, assertLess } from "@std/assert";
import { fuzzRequests } from "./requests.ts";

test("a request that is damaged has one reading: 20,000 changes of those in the table", () => {
  const { cases, read, refused, growth } = fuzzRequests({ cases: 20_000, seed: 1 });
  // A fuzzer whose changes are all refused, or all harmless, tests nothing.
  assertGreater(read, cases / 10);
  assertGreater(refused, cases / 10);
  assertLess(growth, 32 * 2 ** 20);
}, 120_000);
