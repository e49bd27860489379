import { afterAll, beforeAll, describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import type { Browser, Page } from "playwright-core";
import { clusterBlock, slice } from "../gateway/objects.ts";
import { type ServedApiserver, serveEmbedded } from "../helpers/embedded.ts";
import { type GatewayProcess, startGateway } from "../helpers/gateway-process.ts";
import { launch, noBrowser, open, ready } from "./browser.ts";

let browser: Browser;
let api: ServedApiserver;
let gateway: GatewayProcess;

beforeAll(async () => {
  if (noBrowser !== undefined) return;
  api = await serveEmbedded();
  api.api.apply(["a", "b", "c"].map((name, index) => slice(`row/${name}`, [`10.6.0.${index + 1}`], 80)));
  const config = {
    server: { listen: "127.0.0.1:0" },
    admin: { listen: "127.0.0.1:0" },
    discovery: { kubernetes: clusterBlock(api) },
    routes: [],
  };
  [browser, gateway] = await Promise.all([launch(), startGateway({ config })]);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await gateway?.stop();
  await api?.stop();
});

const shows = (page: Page, selector: string, text: string): Promise<unknown> =>
  page.waitForFunction(
    ([selector, text]) => document.querySelector(selector!)?.textContent?.includes(text!),
    [selector, text],
  );
const focused = (page: Page): Promise<string | undefined> => page.evaluate(() => document.activeElement?.id);
const searched = (page: Page): string | null => new URL(page.url()).searchParams.get("q");

/** Holds the answers to some of the page's requests back until they are let go. */
async function holding(page: Page, query: string): Promise<{ asked: Promise<void>; letGo(): Promise<void> }> {
  const asked = Promise.withResolvers<void>();
  const free = Promise.withResolvers<void>();
  await page.route(
    (url) => url.pathname === "/" && url.search === query,
    async (route) => {
      asked.resolve();
      await free.promise;
      await route.continue().catch(() => {}); // The page has given it up.
    },
  );
  return {
    asked: asked.promise,
    async letGo() {
      free.resolve();
      await page.unrouteAll({ behavior: "wait" });
    },
  };
}

describe.skipIf(noBrowser !== undefined)("the console while it changes and is used", () => {
  test("keeps the focus and what is being typed while it changes", async () => {
    api.api.apply(slice("row/turning", ["10.8.0.1"], 80));
    await using opened = await open(browser, gateway.adminUrl);
    const { page } = opened;
    await ready(page);
    await page.focus("#search-q");
    await page.keyboard.type("turning");
    await page.waitForFunction(() => document.querySelector("#found-q")?.textContent?.startsWith("1 of"));
    const changed = async (ip: string): Promise<void> => {
      api.api.apply(slice("row/turning", [ip], 80));
      await page.waitForFunction((ip) => document.querySelector("#timeline")?.textContent?.includes(ip), ip);
    };
    await changed("10.8.0.2");
    assertEquals(await page.evaluate(() => document.activeElement?.id), "search-q");
    assertEquals(await page.inputValue("#search-q"), "turning");
    assertEquals(new URL(page.url()).searchParams.get("q"), "turning");
    // Opened with the keyboard; the link that has the focus keeps it over the change that follows.
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".nodes");
    await changed("10.8.0.3");
    await page.waitForFunction(() => document.querySelector(".nodes")?.textContent?.includes("10.8.0.3"));
    assertEquals(await page.evaluate(() => document.activeElement?.id), "open-row/turning");
    await page.goBack();
    await page.waitForFunction(() => document.querySelector(".nodes") === null);
    assertEquals(opened.complaints, []);
  }, 60_000);

  test("keeps the focus in a row when a row before it goes", async () => {
    await using opened = await open(browser, `${gateway.adminUrl}/?q=row`);
    const { page } = opened;
    await ready(page);
    await shows(page, "#services", "row/a");
    await page.focus("[id='open-row/c']");
    api.api.remove("EndpointSlice", "row", "a-1");
    await page.waitForFunction(() => !document.querySelector("#services")?.textContent?.includes("row/a"));
    assertEquals(await focused(page), "open-row/c");
    assertEquals(opened.complaints, []);
  }, 60_000);

  test("keeps what was typed elsewhere and not sent yet", async () => {
    await using opened = await open(browser, gateway.adminUrl);
    const { page } = opened;
    await ready(page);
    await page.fill("#explain-url", "http://shop.test/half");
    await page.fill("#search-q", "row/b");
    await shows(page, "#found-q", "1 of");
    assertEquals(await page.inputValue("#explain-url"), "http://shop.test/half");
    await page.click("[id='open-row/b']");
    await page.waitForSelector(".nodes");
    assertEquals(await page.inputValue("#explain-url"), "http://shop.test/half");
    // Going back shows in the field too what is searched for then, though the field has the focus.
    await page.fill("#search-q", "row/c");
    await shows(page, "#services", "row/c");
    await page.focus("#search-q");
    await page.goBack();
    await shows(page, "#services", "row/b");
    assertEquals(await page.inputValue("#search-q"), "row/b");
    assertEquals(opened.complaints, []);
  }, 60_000);

  test("shows the newest search, whatever order answers come in", async () => {
    await using opened = await open(browser, gateway.adminUrl);
    const { page } = opened;
    await ready(page);
    const first = await holding(page, "?q=nothing");
    await page.fill("#search-q", "nothing");
    await first.asked;
    await page.fill("#search-q", "row/b");
    await shows(page, "#found-q", "1 of");
    await first.letGo();
    api.api.apply(slice("row/b", ["10.6.1.1"], 80));
    await shows(page, "#timeline", "10.6.1.1");
    await shows(page, "#services", "row/b");
    assertEquals([await page.inputValue("#search-q"), searched(page)], ["row/b", "row/b"]);
    assertEquals(opened.complaints, []);
  }, 60_000);

  test("loses neither a letter nor a click that come right after one another", async () => {
    await using opened = await open(browser, gateway.adminUrl);
    const { page } = opened;
    await ready(page);
    const before = await page.evaluate(() => history.length);
    // Enter before the search as one types has begun: one step of history, and the search is on.
    await page.focus("#search-q");
    await page.keyboard.type("row");
    await page.evaluate(() => {
      const field = document.querySelector<HTMLInputElement>("#search-q")!;
      field.value = "row/b";
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
      field.form!.requestSubmit();
    });
    await shows(page, "#found-q", "1 of");
    assertEquals(await page.evaluate(() => history.length), before + 1);
    // A letter, and the field is left, just before the answer to the letters before is put in place.
    await page.evaluate(() => {
      const { parseFromString } = DOMParser.prototype;
      DOMParser.prototype.parseFromString = function (...args) {
        DOMParser.prototype.parseFromString = parseFromString;
        const field = document.querySelector<HTMLInputElement>("#search-q")!;
        field.value = "row/c";
        field.dispatchEvent(new InputEvent("input", { bubbles: true }));
        field.blur();
        return parseFromString.apply(this, args);
      };
    });
    await page.fill("#search-q", "row");
    await shows(page, "#services", "row/c");
    await shows(page, "#found-q", "1 of");
    assertEquals(await page.inputValue("#search-q"), "row/c");
    assertEquals(opened.complaints, []);
  }, 60_000);

  test("says that the connection is lost, and comes back with the gateway", async () => {
    await using own = await serveEmbedded();
    const config = (port: number): object => ({
      server: { listen: "127.0.0.1:0" },
      admin: { listen: `127.0.0.1:${port}` },
      discovery: { kubernetes: clusterBlock(own) },
      routes: [],
    });
    const first = await startGateway({ config: config(0) });
    await using opened = await open(browser, first.adminUrl);
    const { page } = opened;
    await ready(page);
    await first.stop();
    await page.waitForSelector('#live[data-state="lost"]');
    await using _again = await startGateway({ config: config(Number(new URL(first.adminUrl).port)) });
    await page.waitForSelector('#live[data-state="on"]', { timeout: 20_000 });
  }, 60_000);
});
