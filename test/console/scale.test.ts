import { afterAll, beforeAll, describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { slice } from "../gateway/objects.ts";
import { noBrowser, open, ready } from "./browser.ts";
import { found, interact, nameOf, type ScaleStage, SERVICES, SMOOTH_MS, see, startScale, type Took } from "./scale.ts";

let stage: ScaleStage;

beforeAll(async () => {
  if (noBrowser === undefined) stage = await startScale();
}, 120_000);

afterAll(() => stage?.[Symbol.asyncDispose]());

const rows = (page: Page): Promise<string[]> => page.locator("#services .expander").allTextContents();

/** All services in the order of the list. */
const SORTED = Array.from({ length: SERVICES }, (_, n) => nameOf(n)).sort();

describe.skipIf(noBrowser !== undefined)("the console over 10,000 services", () => {
  test("finds, opens and turns pages right while 1,000 services change a second", async () => {
    await using opened = await open(stage.browser, stage.gateway.adminUrl);
    const { page } = opened;
    await ready(page);
    await see(page, found("10,000"));
    const end = stage.storm(4007);
    try {
      await page.fill("#search-q", "service-999");
      await see(page, found("11 of 10,000"));
      assertEquals(
        await rows(page),
        SORTED.filter((name) => name.includes("service-999")),
      );
      await page.fill("#search-q", "team-07 -4007");
      await see(page, found("1 of 10,000"));
      assertEquals(await rows(page), ["team-07/service-4007"]);
      await page.click(".expander");
      await see(page, [".nodes caption", "team-07/service-4007:http"]);
      // A change of its own shows among all the others.
      stage.api.api.apply(slice("team-07/service-4007", ["10.250.0.1", "10.250.0.2"], 8080));
      await see(page, [".nodes tbody tr:nth-child(2) th", "10.250.0.2:8080"]);
      assertEquals(await page.locator(".nodes tbody th").allTextContents(), ["10.250.0.1:8080", "10.250.0.2:8080"]);
      await page.fill("#search-q", "");
      await see(page, found("10,000"));
      assertEquals(await rows(page), SORTED.slice(0, 25));
      await page.click('#services a[rel="next"]');
      await see(page, ["#services .pages span:not(.off)", "Page 2 of 400"]);
      assertEquals(await rows(page), SORTED.slice(25, 50));
      await page.goBack();
      await see(page, ["#services .pages span:not(.off)", "Page 1 of 400"]);
      assertEquals(await rows(page), SORTED.slice(0, 25));
    } finally {
      end();
    }
    assert(end() > 100, `${end()} changes`);
    assertEquals(opened.complaints, []);
  }, 60_000);

  // The quickest tells most where others work on the machine too: what takes long by itself is never quick. Twice the time
  // is left to them; `bun run bench:console` has medians, and no such allowance.
  test("answers at once", async () => {
    await using opened = await open(stage.browser, stage.gateway.adminUrl);
    const { page } = opened;
    await ready(page);
    await see(page, found("10,000"));
    const all: Took[] = [];
    const quickest = (kind: keyof Took): number => Math.round(Math.min(...all.map((took) => took[kind])));
    const best = (): Took => ({ search: quickest("search"), open: quickest("open"), page: quickest("page") });
    const smooth = (): boolean => Object.values(best()).every((ms: number) => ms < 2 * SMOOTH_MS);
    for (const n of [8765, 1234, 5678, 4321, 8642, 3579, 2345, 6789, 5432, 9753, 2468, 7531, 1357, 9876, 3456]) {
      all.push(await interact(page, n));
      if (all.length >= 3 && smooth()) break;
    }
    process.stdout.write(`${JSON.stringify({ rounds: all.length, quickest: best() })}\n`);
    assert(smooth(), JSON.stringify(all));
    assertEquals(opened.complaints, []);
  }, 120_000);
});
