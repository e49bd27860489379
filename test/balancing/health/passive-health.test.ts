import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { freshState, PassiveHealth } from "../../../src/balancing/health/passive-health.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

const SIZE = 10;

function passiveHealth(config = { failures: 2, eject: 10_000 }) {
  const clock = createFakeClock();
  return { clock, passive: new PassiveHealth(config, clock) };
}

describe("passive health", () => {
  test("only failures in a row eject: a success in between starts the count again", () => {
    const { passive } = passiveHealth();
    const state = freshState();
    for (let i = 0; i < 5; i++) {
      assertEquals(passive.failed(state, SIZE), false);
      passive.succeeded(state);
    }
    assertEquals([passive.failed(state, SIZE), passive.failed(state, SIZE)], [false, true]);
  });

  test("an ejection ends when its time is over, without a timer", async () => {
    const { passive, clock } = passiveHealth();
    const state = freshState();
    passive.failed(state, SIZE);
    passive.failed(state, SIZE);
    await clock.advance(9_999);
    assertEquals(passive.endDue(), false);
    assert(state.ejectedUntil > 0);
    await clock.advance(1);
    assertEquals(passive.endDue(), true);
    assertEquals(state.ejectedUntil, 0);
    assertEquals(passive.endDue(), false);
  });

  test("a target that fails again after its ejection is ejected at once, for twice as long, up to 5 minutes", async () => {
    const { passive, clock } = passiveHealth();
    const state = freshState();
    passive.failed(state, SIZE);
    const lengths: number[] = [];
    for (let i = 0; i < 8; i++) {
      assertEquals(passive.failed(state, SIZE), true);
      lengths.push((state.ejectedUntil - clock.now()) / 1000);
      await clock.advance(state.ejectedUntil - clock.now());
      passive.endDue();
    }
    assertEquals(lengths, [10, 20, 40, 80, 160, 300, 300, 300]);
  });

  test("a short ejection grows to 30 times itself, a long one not at all", async () => {
    for (const [eject, longest] of [
      [1_000, 30_000],
      [600_000, 600_000],
    ] as const) {
      const { passive, clock } = passiveHealth({ failures: 1, eject });
      const state = freshState();
      for (let i = 0; i < 9; i++) {
        passive.failed(state, SIZE);
        assert(state.ejectedUntil - clock.now() <= longest);
        if (i === 8) assertEquals(state.ejectedUntil - clock.now(), longest);
        await clock.advance(longest);
        passive.endDue();
      }
    }
  });

  test("a target that works again is trusted again, step by step", async () => {
    const { passive, clock } = passiveHealth();
    const state = freshState();
    passive.failed(state, SIZE);
    for (let i = 0; i < 3; i++) {
      passive.failed(state, SIZE);
      await clock.advance(state.ejectedUntil - clock.now());
      passive.endDue();
    }
    assertEquals(state.ejections, 3);
    for (let i = 0; i < 100; i++) passive.succeeded(state);
    assertEquals(state.ejections, 3, "many successes at once prove no more than one");
    await clock.advance(10_000);
    for (let i = 0; i < 100; i++) passive.succeeded(state);
    assertEquals(state.ejections, 2);
    await clock.advance(60_000);
    passive.succeeded(state);
    await clock.advance(60_000);
    passive.succeeded(state);
    assertEquals(state.ejections, 0);
  });

  test("never more than half of a pool is ejected, and never the only one", () => {
    for (let size = 1; size <= 9; size++) {
      const { passive } = passiveHealth();
      const states = Array.from({ length: size }, freshState);
      const ejected = states.filter((state) => {
        passive.failed(state, size);
        return passive.failed(state, size);
      });
      assertEquals(ejected.length, Math.floor(size / 2), `pool of ${size}`);
    }
  });

  test("when a pool shrinks, the ejections that end first end at once, until half remains", async () => {
    const { passive, clock } = passiveHealth();
    const states = Array.from({ length: 6 }, freshState);
    for (const state of states.slice(0, 3)) {
      passive.failed(state, 6);
      passive.failed(state, 6);
      await clock.advance(1000);
    }
    passive.resize(states.slice(4), 4);
    assertEquals(
      states.map(({ ejectedUntil }) => ejectedUntil > 0),
      [false, true, true, false, false, false],
    );
    await clock.advance(8_000);
    assertEquals(passive.endDue(), true);
    assertEquals([states[1]!.ejectedUntil, states[2]!.ejectedUntil > 0], [0, true]);
  });

  test("a target that left makes room for another ejection", () => {
    const { passive } = passiveHealth({ failures: 1, eject: 10_000 });
    const [first, second] = [freshState(), freshState()];
    assertEquals([passive.failed(first, 2), passive.failed(second, 2)], [true, false]);
    passive.resize([first], 2);
    assertEquals(passive.failed(second, 2), true);
  });

  test("failures of requests that were under way do not prolong an ejection", async () => {
    const { passive, clock } = passiveHealth();
    const state = freshState();
    passive.failed(state, SIZE);
    passive.failed(state, SIZE);
    const until = state.ejectedUntil;
    await clock.advance(5_000);
    assertEquals(passive.failed(state, SIZE), false);
    assertEquals([state.ejectedUntil, state.ejections], [until, 1]);
  });

  test("eject: 0 never ejects", () => {
    const { passive } = passiveHealth({ failures: 1, eject: 0 });
    assertEquals(passive.failed(freshState(), SIZE), false);
  });
});
