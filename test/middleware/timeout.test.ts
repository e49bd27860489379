import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { chained } from "./support.ts";

const never = (): Promise<never> => new Promise(() => {});

describe("timeout", () => {
  test("gives what stands behind it, the upstream among it, its time and no more", async () => {
    for (const [took, status] of [
      [499, 200],
      [500, 504],
      [501, 504],
    ] as const) {
      const clock = createFakeClock();
      const { send } = chained("[{timeout: {duration: 500}}]", {
        parts: { clock },
        own: [
          async (_c, next) => {
            await clock.sleep(took);
            await next();
          },
        ],
      });
      const answer = send("/");
      await clock.settle();
      await clock.advance(501);
      assertEquals((await answer).status, status, `${took} ms`);
    }
  });

  test("leaves the upstream what middleware before it have not used up", async () => {
    const clock = createFakeClock();
    const left: (number | undefined)[] = [];
    const { send } = chained("[{timeout: {duration: 500}}, {cors: {}}, {timeout: {duration: 2000}}]", {
      parts: { clock },
      own: [
        async (_c, next) => {
          await clock.sleep(200);
          await next();
        },
      ],
      within: (ms) => void left.push(ms),
    });
    const answer = send("/");
    await clock.settle();
    await clock.advance(200);
    assertEquals([(await answer).status, left], [200, [300]]);
  });

  test("does not ask the upstream for a client that has its answer, and lets go of an answer it does not use", async () => {
    const clock = createFakeClock();
    const wait = Promise.withResolvers<void>();
    const { send, passed } = chained("[{timeout: {duration: 500}}]", {
      parts: { clock },
      own: [
        async (_c, next) => {
          await wait.promise;
          await next();
        },
      ],
    });
    const answer = send("/");
    await clock.settle();
    await clock.advance(500);
    assertEquals((await answer).status, 504);
    wait.resolve();
    await clock.settle();
    assertEquals(passed(), 0);

    let cancelled = false;
    const late = chained("[{timeout: {duration: 500}}]", {
      parts: { clock },
      own: [
        async (_c, next) => {
          await next();
          await never();
        },
      ],
      upstream: () =>
        new Response(
          new ReadableStream({
            cancel() {
              cancelled = true;
            },
          }),
        ),
    });
    const second = late.send("/");
    await clock.settle();
    await clock.advance(501);
    assertEquals([(await second).status, cancelled], [504, true]);
  });

  test("leaves no timer behind", async () => {
    const clock = createFakeClock();
    const { send } = chained("[{timeout: {duration: 500}}, {cors: {}}]", { parts: { clock } });
    assertEquals([(await send("/")).status, clock.pending], [200, 0]);
  });
});
