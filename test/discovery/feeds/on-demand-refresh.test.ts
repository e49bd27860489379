import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { createOnDemandRefresh, type OnDemandRefresh } from "../../../src/discovery/feeds/on-demand-refresh.ts";
import { createFakeClock, type FakeClock } from "../../helpers/fake-clock.ts";

interface Pull {
  readonly turn: number;
  succeed(): void;
  fail(): void;
}

interface World {
  readonly demand: OnDemandRefresh;
  readonly clock: FakeClock;
  readonly pulls: Pull[];
  /** Whether a promise has settled by now. */
  settled(promise: Promise<unknown> | undefined): Promise<boolean>;
}

function world({ maxStale = 0, interval = 1000 } = {}): World {
  const clock = createFakeClock();
  const pulls: Pull[] = [];
  let listed: number | undefined;
  const demand = createOnDemandRefresh({
    refresh: (turn) =>
      new Promise<void>((resolve, reject) => {
        pulls.push({
          turn,
          succeed() {
            listed = clock.now();
            resolve();
          },
          fail: () => reject(new Error("the apiserver is away")),
        });
      }),
    age: () => (listed === undefined ? Number.POSITIVE_INFINITY : clock.now() - listed),
    interval,
    maxStale,
    background: () => {},
    clock,
  });
  return {
    demand,
    clock,
    pulls,
    async settled(promise) {
      let done = false;
      void promise?.then(() => {
        done = true;
      });
      await clock.advance(50);
      return done;
    },
  };
}

/** One with a snapshot, just listed. */
async function warm(options?: { maxStale?: number }): Promise<World> {
  const made = world(options);
  const first = made.demand.refresh();
  made.pulls[0]!.succeed();
  await first;
  return made;
}

describe("a snapshot on demand", () => {
  test("is listed once for all who come while it is cold, and each waits on its own", async () => {
    const { demand, pulls, settled } = world();
    const waits = Array.from({ length: 50 }, () => demand.refresh());
    assertEquals([pulls.length, new Set(waits).size], [1, 50]);
    pulls[0]!.succeed();
    assertEquals(await settled(Promise.all(waits)), true);
  });

  test("serves while it is refreshed, one refresh at a time", async () => {
    const { demand, clock, pulls } = await warm();
    assertEquals([demand.refresh(), pulls.length], [undefined, 1]);
    await clock.advance(1001);
    assertEquals([demand.refresh(), demand.refresh(), pulls.length], [undefined, undefined, 2]);
  });

  test("past max_stale makes a request wait for the refresh", async () => {
    const { demand, clock, pulls, settled } = await warm({ maxStale: 3000 });
    await clock.advance(3001);
    const wait = demand.refresh();
    assertEquals([pulls.length, await settled(wait)], [2, false]);
    pulls[1]!.succeed();
    assertEquals(await settled(wait), true);
  });

  test("is asked for anew when the request that had it listed is gone with the work", async () => {
    const { demand, clock, pulls, settled } = world();
    void demand.refresh();
    const other = demand.refresh();
    await clock.advance(4900);
    assertEquals(pulls.length, 1);
    await clock.advance(200);
    assertEquals(
      pulls.map(({ turn }) => turn),
      [1, 2],
    );
    pulls[1]!.succeed();
    assertEquals(await settled(other), true);
  });

  test("lets go of those who wait when the list fails, and tries again after a pause", async () => {
    const { demand, clock, pulls, settled } = world();
    const waits = [demand.refresh(), demand.refresh()];
    pulls[0]!.fail();
    assertEquals(await settled(Promise.all(waits)), true);
    assertEquals([await settled(demand.refresh()), pulls.length], [true, 1]);
    await clock.advance(500);
    void demand.refresh();
    assertEquals(pulls.length, 2);
  });
});
