import { afterAll, beforeAll, describe, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Browser, Page } from "playwright-core";
import { clusterBlock, slice } from "../gateway/objects.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { launch, noBrowser, open, picture, ready, SIZES, violations } from "./browser.ts";
import { endpointOf, podOf, type Stage, startStage } from "./stage.ts";

let browser: Browser;
let stage: Stage;

beforeAll(async () => {
  if (noBrowser !== undefined) return;
  browser = await launch();
  stage = await startStage();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await stage?.[Symbol.asyncDispose]();
});

// biome-ignore lint/performance/useDomNodeTextContent: what a reader sees, not what is hidden from them
const text = (page: Page, selector: string): Promise<string> => page.innerText(selector);

/** No element is wider than the screen, so that nobody has to scroll sideways. */
const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

describe.skipIf(noBrowser !== undefined)("the console in a browser", () => {
  const explain = `method=GET&url=${encodeURIComponent("http://shop.test/shop/cart")}`;
  const states: [name: string, query: string][] = [
    ["busy", `?open=east/shop/web&${explain}`],
    ["nothing-found", "?q=no+such+service&rq=none"],
    ["unexplained", `?${explain.replace("shop.test", "other.test").replace("shop%2Fcart", "nowhere")}`],
  ];
  for (const [size, options] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"] as const) {
      for (const [name, query] of states) {
        const where = `${name}-${size}-${colorScheme}`;
        test(`has no error and no violation of accessibility: ${where}`, async () => {
          await stage.traffic(12);
          await using opened = await open(browser, `${stage.gateway.adminUrl}/${query}`, { ...options, colorScheme });
          await ready(opened.page);
          assertEquals(await violations(opened.page), []);
          assertEquals(opened.complaints, []);
          assertEquals(await overflow(opened.page), 0);
          await picture(opened.page, where);
        }, 60_000);
      }
    }
  }

  test("shows what is wrong in words: a cluster that is forbidden, one that is stale, a config that is refused", async () => {
    await using forbidden = await serveEmbedded();
    forbidden.api.settings.authorize = () => false;
    const gone = await serveEmbedded();
    gone.api.apply(slice("shop/web", ["10.0.0.1"], 80));
    const config = {
      server: { listen: "127.0.0.1:0" },
      admin: { listen: "127.0.0.1:0" },
      discovery: {
        kubernetes: [
          { id: "locked", ...clusterBlock(forbidden, { required: false }) },
          { id: "gone", ...clusterBlock(gone) },
        ],
      },
      routes: [{ id: "r", path: "/", service: "gone/shop/web" }],
    };
    await using gateway = await startGateway({ config });
    await gone.stop();
    await writeFile(gateway.configFile, JSON.stringify({ ...config, rotues: [] }));
    for (const [size, options] of Object.entries(SIZES)) {
      for (const colorScheme of ["light", "dark"] as const) {
        await using opened = await open(browser, gateway.adminUrl, { ...options, colorScheme });
        const { page } = opened;
        await page.waitForFunction(() => document.querySelector("#overview")?.textContent?.includes("rotues"));
        await page.waitForFunction(() =>
          document.querySelector("#clusters")?.textContent?.includes("cannot be reached"),
        );
        const clusters = await text(page, "#clusters");
        assertMatch(clusters, /does not allow the list/);
        assertMatch(clusters, /ClusterRole/);
        assertMatch(clusters, /stale: serves what it last knew/);
        assertMatch(await text(page, ".verdict"), /A changed config was refused/);
        assertEquals(await violations(page), []);
        assertEquals(opened.complaints, []);
        assertEquals(await overflow(page), 0);
        await picture(page, `trouble-${size}-${colorScheme}`);
      }
    }
  }, 120_000);

  test("is four screens of a phone long for five routes, two clusters and a dozen services", async () => {
    await stage.traffic(12);
    await using opened = await open(browser, stage.gateway.adminUrl, SIZES.phone);
    await ready(opened.page);
    const screens = await opened.page.evaluate(() => document.documentElement.scrollHeight / innerHeight);
    assert(screens < 4, `${screens} screens`);
  }, 60_000);

  test("loses a pod that kubectl deletes within a second, and says so in the timeline", async () => {
    const ip = "10.9.9.9";
    stage.east.api.apply(podOf("doomed-1", ip));
    stage.east.api.apply(slice("shop/doomed", [endpointOf(ip, "doomed-1"), endpointOf("10.9.9.8", "kept-1")], 80));
    await using opened = await open(browser, `${stage.gateway.adminUrl}/?q=doomed&open=east/shop/doomed`);
    const { page } = opened;
    await ready(page);
    await page.waitForFunction(() => document.querySelector("#services")?.textContent?.includes("10.9.9.9"));
    let deleted = 0;
    const end = stage.east.api.onChange((type, object) => {
      if (type === "DELETED" && object.metadata.name === "doomed-1") deleted = Date.now();
    });
    const gone = page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const look = (): void => {
            if (document.querySelector("#services")?.textContent?.includes("10.9.9.9")) return;
            resolve(Date.now());
            observer.disconnect();
          };
          const observer = new MutationObserver(look);
          observer.observe(document.body, { subtree: true, childList: true, characterData: true });
        }),
    );
    const kubectl = Bun.spawn(["kubectl", `--server=${stage.east.url}`, "-n", "shop", "delete", "pod", "doomed-1"], {
      stdout: "ignore",
      stderr: "pipe",
    });
    assertEquals([await kubectl.exited, await new Response(kubectl.stderr).text()], [0, ""]);
    const after = (await gone) - (await until(() => deleted, { message: "the apiserver deleted it" }));
    end();
    assert(after < 1000, `it was gone after ${after} ms`);
    await page.waitForFunction(() => document.querySelector("#timeline")?.textContent?.includes("− 10.9.9.9"));
    assertMatch(await text(page, "#services"), /1 ready/);
    assertEquals(opened.complaints, []);
  }, 60_000);

  test("can be paused, and chosen colours last over a reload", async () => {
    await using opened = await open(browser, stage.gateway.adminUrl, { colorScheme: "light" });
    const { page } = opened;
    await ready(page);
    const paper = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await paper();
    await page.click('#theme button[value="dark"]');
    const dark = await paper();
    assert(light !== dark, `${light} ${dark}`);
    await page.reload();
    assertEquals([await paper(), await page.getAttribute('#theme [value="dark"]', "aria-pressed")], [dark, "true"]);
    assertEquals(await page.context().cookies(), []);
    await page.click("#pause");
    assertEquals(await text(page, "#live"), "Paused");
    stage.east.api.apply(slice("shop/unseen", ["10.7.0.1"], 80));
    await Bun.sleep(1200);
    assert(!(await text(page, "#timeline")).includes("10.7.0.1"));
    await page.click("#pause");
    await page.waitForFunction(() => document.querySelector("#timeline")?.textContent?.includes("10.7.0.1"));
    assertEquals(opened.complaints, []);
  }, 60_000);

  test("works without JavaScript: reading, searching, opening, explaining, colours", async () => {
    await using opened = await open(browser, stage.gateway.adminUrl, { javaScriptEnabled: false });
    const { page } = opened;
    assertMatch(await text(page, "#clusters"), /in step, by a watch/);
    assertMatch(await text(page, "#live"), /Without a script this page stands still/);
    await page.fill("#search-q", "shop web");
    await page.press("#search-q", "Enter");
    assertMatch(await text(page, "#services"), /2 of/);
    await page.click(".expander >> text=east/shop/web");
    assertMatch(await text(page, ".nodes"), /shop\/web-1/);
    await page.fill("#explain-url", "http://shop.test/shop/cart");
    await page.click("#explain button");
    assertMatch(await text(page, "#explain .answer"), /shop/);
    assertMatch(await text(page, "#services"), /2 of/, "the rest of the page is as it was");
    await page.click('#theme button[value="dark"]');
    assertEquals(await page.getAttribute("html", "data-theme"), "dark");
    await page.click("#live a");
    assertEquals(await page.getAttribute("meta[http-equiv=refresh]", "content"), "10");
    assertEquals(opened.complaints, []);
  }, 60_000);

  test("is opened with the token as password, and not without", async () => {
    const config = {
      server: { listen: "127.0.0.1:0" },
      admin: { listen: "0.0.0.0:0", token: "t0ken-of-the-console" },
      routes: [],
    };
    await using gateway = await startGateway({ config });
    const httpCredentials = { username: "me", password: "t0ken-of-the-console" };
    await using opened = await open(browser, gateway.adminUrl, { httpCredentials });
    await ready(opened.page);
    assertEquals(opened.complaints, []);
    const wrong = { username: "me", password: "wrong" };
    await using refused = await open(browser, gateway.adminUrl, { httpCredentials: wrong });
    assertMatch(await text(refused.page, "body"), /The admin API wants its token/);
  }, 60_000);
});
