import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { createHashRing } from "../../src/balancing/hash-ring.ts";
import type { PoolMember } from "../../src/balancing/policy.ts";
import { endpoint } from "./support.ts";

const member = (host: string, weight: number): PoolMember =>
  ({ endpoint: endpoint(host), weight, order: 0 }) as PoolMember;

describe("a hash ring", () => {
  test("stays right after a million endpoints came and went", () => {
    const ring = createHashRing();
    const heavy = member("10.0.0.1", 256);
    let light: PoolMember[] = [];
    for (let generation = 0; generation < 1060; generation++) {
      for (const one of light) one.order = -1;
      light = Array.from({ length: 1000 }, (_, i) => member(`10.${i % 7}.${generation}.${i}`, 1));
      ring.update([heavy, ...light]);
    }
    const present = new Set([heavy, ...light]);
    assertEquals(ring.size, 160 + 1000);
    for (let point = 0; point < ring.size; point++) assert(present.has(ring.owner(point)));
  });

  test("is in order: a point is at or after the hash it was sought for", () => {
    const ring = createHashRing();
    ring.update(Array.from({ length: 20 }, (_, i) => member(`10.0.0.${i}`, 50)));
    let before = 0;
    for (let hash = 0; hash < 2 ** 32; hash += 2 ** 22) {
      const point = ring.seek(hash);
      assert(point >= before && point <= ring.size);
      before = point;
    }
    assertEquals([ring.seek(0), ring.seek(2 ** 32)], [0, ring.size]);
  });

  test("has 160 points for each of the heaviest, and for the others by their weight, at least one", () => {
    const sizeOf = (...weights: number[]): number => {
      const ring = createHashRing();
      ring.update(weights.map((weight, i) => member(`10.0.0.${i}`, weight)));
      return ring.size;
    };
    assertEquals(
      [sizeOf(1), sizeOf(1, 1), sizeOf(2), sizeOf(2, 1), sizeOf(4, 2, 1), sizeOf(256, 1), sizeOf(1000, 1, 0), sizeOf()],
      [160, 320, 160, 240, 280, 161, 157, 0],
    );
  });
});
