import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { createRetryBudget, createRetryBudgets, type RetryBudget } from "../../src/balancing/retry-budget.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";

function taken(budget: RetryBudget, wanted: number): number {
  let count = 0;
  for (let i = 0; i < wanted; i++) if (budget.take()) count++;
  return count;
}

describe("the retry budget", () => {
  test("a gateway without other traffic may retry 10 times a second", async () => {
    const clock = createFakeClock();
    const budget = createRetryBudget({ clock });
    for (let second = 0; second < 30; second++) {
      assertEquals(taken(budget, 50), 10);
      await clock.advance(1000);
    }
  });

  test("retries are at most 20 % of the last 10 seconds' requests", () => {
    const clock = createFakeClock();
    const budget = createRetryBudget({ clock });
    for (let i = 0; i < 1000; i++) budget.request();
    assertEquals(taken(budget, 1000), 200);
  });

  test("an outage under steady load never adds more than a fifth", async () => {
    const clock = createFakeClock();
    const budget = createRetryBudget({ clock });
    let retries = 0;
    for (let tenth = 0; tenth < 600; tenth++) {
      for (let i = 0; i < 100; i++) {
        budget.request();
        if (budget.take()) retries++;
      }
      await clock.advance(100);
    }
    assert(retries <= 60_000 * 0.2 + 10, `${retries} retries of 60,000 requests`);
    assert(retries > 60_000 * 0.19);
  });

  test("requests count for 10 seconds and are then forgotten", async () => {
    const clock = createFakeClock();
    const budget = createRetryBudget({ clock });
    for (let i = 0; i < 1000; i++) budget.request();
    await clock.advance(9_000);
    assertEquals(taken(budget, 100), 100);
    await clock.advance(1_000);
    assertEquals(taken(budget, 100), 10);
    await clock.advance(3_600_000);
    for (let i = 0; i < 100; i++) budget.request();
    assertEquals(taken(budget, 100), 20);
  });

  test("a clock that is set back does no harm", async () => {
    const clock = createFakeClock();
    const budget = createRetryBudget({ clock });
    for (let i = 0; i < 100; i++) budget.request();
    await clock.advance(-5_000);
    for (let i = 0; i < 100; i++) budget.request();
    await clock.advance(5_000);
    assertEquals(taken(budget, 1000), 40);
  });
});

describe("the budgets of a gateway", () => {
  test("are one for each service: what one spends the others keep", () => {
    const budgets = createRetryBudgets({ clock: createFakeClock() });
    assertEquals(taken(budgets.of("default/a:http"), 50), 10);
    assertEquals(taken(budgets.of("default/a:http"), 50), 0);
    assertEquals(taken(budgets.of("default/b:http"), 50), 10);
  });

  test("of services that are gone are forgotten, the others are kept as they are", () => {
    const budgets = createRetryBudgets({ clock: createFakeClock() });
    const [a, b] = [budgets.of("a"), budgets.of("b")];
    budgets.keep(new Set([a]));
    assert(budgets.of("a") === a);
    assert(budgets.of("b") !== b);
  });
});
