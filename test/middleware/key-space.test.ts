import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { createKeySpace } from "../../src/middleware/key-space.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { chained } from "./support.ts";

const RATE = "{rate_limit: {limit: 1, key: {header: x-key}}}";
const THROTTLE = "{throttle: {rate: 0.001, key: {header: x-key}}}";

/** Statuses of requests with these keys, one after another. */
async function statuses(
  send: ReturnType<typeof chained>["send"],
  keys: readonly string[],
  peer?: string,
): Promise<number[]> {
  const all: number[] = [];
  for (const key of keys) {
    const { status } = await send("/", { headers: { "x-key": key }, ...(peer && { peer }) });
    all.push(status);
  }
  return all;
}

describe.each([RATE, THROTTLE, "{rate_limit: {limit: 1, key: [{header: x-key}, all]}}"])("%s", (entry) => {
  test("tells keys apart by their last character, however long they are", async () => {
    for (const length of [1, 60, 61, 62, 63, 64, 65, 66, 128, 6000]) {
      const { send } = chained(`[${entry}]`);
      const base = "k".repeat(length - 1);
      assertEquals(await statuses(send, [`${base}a`, `${base}b`, `${base}a`, `${base}b`]), [200, 200, 429, 429]);
    }
  });

  test("keeps the counts of others, however many keys one client makes up", async () => {
    const clock = createFakeClock();
    const { send } = chained(`[${entry}]`, { parts: { clock, keys: createKeySpace({ clock, max: 64 }) } });
    const others = Array.from({ length: 20 }, (_, i) => `other-${i}`);
    for (const [index, key] of others.entries()) await statuses(send, [key], `192.0.2.${index}`);
    await statuses(
      send,
      Array.from({ length: 1000 }, (_, i) => `made-up-${i}`),
      "198.51.100.1",
    );
    assertEquals(new Set(await statuses(send, others, "198.51.100.2")), new Set([429]));
  });

  test("forgets no key while there is room, and the oldest of who has the most when there is none", async () => {
    const make = (count: number) => Array.from({ length: count }, (_, i) => `key-${i}`);
    for (const [count, first] of [
      [63, 429],
      [64, 429],
      [65, 200],
    ] as const) {
      const clock = createFakeClock();
      const { send } = chained(`[${entry}]`, { parts: { clock, keys: createKeySpace({ clock, max: 64 }) } });
      await statuses(send, make(count));
      assertEquals(await statuses(send, ["key-0"]), [first], `after ${count} keys`);
    }
  });
});

test("keys whose count is over make room before any other", async () => {
  const clock = createFakeClock();
  const { send } = chained(`[${RATE}]`, { parts: { clock, keys: createKeySpace({ clock, max: 64 }) } });
  await statuses(
    send,
    Array.from({ length: 40 }, (_, i) => `old-${i}`),
  );
  await clock.advance(60_000);
  const fresh = Array.from({ length: 50 }, (_, i) => `new-${i}`);
  await statuses(send, fresh);
  assertEquals(new Set(await statuses(send, fresh)), new Set([429]));
});

test("all limits together have one room, so that many routes do not multiply it", async () => {
  const clock = createFakeClock();
  const keys = createKeySpace({ clock, max: 64 });
  const routes = [RATE, RATE, THROTTLE].map((entry) => chained(`[${entry}]`, { parts: { clock, keys } }));
  for (const { send } of routes)
    await statuses(
      send,
      Array.from({ length: 60 }, (_, i) => `key-${i}`),
    );
  const first = await Promise.all(routes.map(({ send }) => statuses(send, ["key-0"])));
  assert(first.flat().includes(200));
});

test("the memory of keys does not grow with their length", async () => {
  const { send } = chained(`[${RATE}]`);
  const held = (): number => {
    Bun.gc(true);
    return process.memoryUsage().heapUsed;
  };
  await statuses(send, ["warm".repeat(1500)]);
  const before = held();
  for (let i = 0; i < 5000; i++) await send("/", { headers: { "x-key": `${i}${"x".repeat(6000)}` } });
  assert(held() - before < 10_000_000, `${held() - before} bytes for 5000 keys of 6 kB`);
});
