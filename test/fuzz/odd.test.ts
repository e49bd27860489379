import { test } from "bun:test";
import { assertGreater } from "@std/assert";
import { tryOdd } from "./odd.ts";

const OBJECTS = 2000;
const SEED = 20_261_130;

test(`${OBJECTS} odd objects are read alike by both readers and touch no other service (seed ${SEED})`, async () => {
  const { fromBytes } = await tryOdd({ objects: OBJECTS, seed: SEED });
  assertGreater(fromBytes, OBJECTS / 50);
});
