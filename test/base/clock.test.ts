import { describe, test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { atMost, inTime, systemClock } from "../../src/base/clock.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";

const never = new Promise<never>(() => {});

describe("a wait that is bounded", () => {
  for (const bound of [1, 2, 500]) {
    test(`ends after ${bound} ms, and not before`, async () => {
      const clock = createFakeClock();
      let over = false;
      void atMost(never, bound, clock).then(() => {
        over = true;
      });
      await clock.advance(bound - 1);
      assertEquals(over, false);
      await clock.advance(1);
      assertEquals([over, clock.pending], [true, 0]);
    });
  }

  test("ends with what is waited for, whatever comes of that, and leaves no timer", async () => {
    const clock = createFakeClock();
    await atMost(Promise.resolve(), 500, clock);
    await atMost(Promise.reject(new Error("failed")), 500, clock);
    assertEquals(clock.pending, 0);
  });

  test("of 0 ms has no bound", async () => {
    const clock = createFakeClock();
    let over = false;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wait = atMost(promise, 0, clock).then(() => {
      over = true;
    });
    await clock.advance(3_600_000);
    assertEquals([over, clock.pending], [false, 0]);
    resolve();
    await wait;
  });
});

describe("work in time", () => {
  test("is its result, or its failure, and leaves no timer", async () => {
    const clock = createFakeClock();
    assertEquals(await inTime(Promise.resolve(7), 1000, clock), 7);
    assertEquals(await inTime(7, 1000, clock), 7);
    await assertRejects(() => inTime(Promise.reject(new Error("no such file")), 1000, clock), Error, "no such file");
    assertEquals(clock.pending, 0);
  });

  test("that is late is an error that says how long was waited", async () => {
    const clock = createFakeClock();
    const late = assertRejects(() => inTime(never, 1500, clock), Error, "it took longer than 1.5 s");
    await clock.advance(1500);
    await late;
  });
});

describe("the machine's clock", () => {
  test("ends a sleep at once when its signal aborts, or had aborted, with the signal's reason", async () => {
    const controller = new AbortController();
    const sleep = systemClock.sleep(3_600_000, controller.signal);
    controller.abort(new Error("stopped"));
    await assertRejects(() => sleep, Error, "stopped");
    await assertRejects(() => systemClock.sleep(3_600_000, controller.signal), Error, "stopped");
  });

  test("calls back once, and not when it was called off", async () => {
    const calls: string[] = [];
    systemClock.after(0, () => calls.push("called off"))();
    await new Promise<void>((resolve) => {
      systemClock.after(1, () => {
        calls.push("on time");
        resolve();
      });
    });
    assertEquals(calls, ["on time"]);
  });
});
