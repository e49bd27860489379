import { test } from "bun:test";
import { assertGreater, assertLess } from "@std/assert";
import { fuzzHttp2 } from "./http2.ts";

test("hostile HTTP/2 sessions come to the same wherever they are cut, throw nothing and leave nothing: 4,000 of them", async () => {
  const cases = 4000;
  const { broken, requests, growth } = await fuzzHttp2({ cases, seed: 1 });
  // A fuzzer whose sessions are all broken off, or all harmless, tests nothing.
  assertGreater(broken, cases / 10);
  assertGreater(cases - broken, cases / 10);
  assertGreater(requests, cases / 4);
  assertLess(growth, 16 * 2 ** 20);
}, 300_000);
