import type { Browser, Page } from "playwright-core";
import { oneCluster, slice } from "../gateway/objects.ts";
import { type ServedApiserver, serveEmbedded } from "../helpers/embedded.ts";
import { type GatewayProcess, startGateway } from "../helpers/gateway-process.ts";
import { launch } from "./browser.ts";

export const SERVICES = 10_000;

/** What a person takes for immediate (RAIL: respond within 100 ms). */
export const SMOOTH_MS = 100;

export const nameOf = (n: number): string => `team-${String(n % 40).padStart(2, "0")}/service-${n}`;

/** A browser, and a gateway that knows 10,000 services. */
export interface ScaleStage extends AsyncDisposable {
  readonly browser: Browser;
  readonly api: ServedApiserver;
  readonly gateway: GatewayProcess;
  /** Has 1,000 services a second change, all but this one, until it is ended; that gives how many changes there were. */
  storm(but?: number): () => number;
}

/** Starts them. */
export async function startScale(): Promise<ScaleStage> {
  const api = await serveEmbedded();
  const ips = (n: number): string[] => Array.from({ length: 5 }, (_, k) => `10.${n >> 8}.${n & 255}.${k + 1}`);
  for (let n = 0; n < SERVICES; n++) api.api.apply(slice(nameOf(n), ips(n), 8080));
  const routes = Array.from({ length: 200 }, (_, n) => ({ path: `/r${n}`, service: `${nameOf(n)}:http` }));
  const config = {
    ...oneCluster(api, routes),
    server: { listen: "127.0.0.1:0", access_log: false },
    admin: { listen: "127.0.0.1:0" },
  };
  const gateway = await startGateway({ config, timeout: 60_000 });
  const browser = await launch();
  return {
    browser,
    api,
    gateway,
    storm(but) {
      let changes = 0;
      const timer = setInterval(() => {
        for (let k = 0; k < 50; k++, changes++) {
          const n = (changes * 7919) % SERVICES;
          if (n !== but) api.api.apply(slice(nameOf(n), [`10.200.${changes & 255}.${(changes >> 8) & 255}`], 8080));
        }
      }, 50);
      return () => {
        clearInterval(timer);
        return changes;
      };
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await gateway.stop();
      await api.stop();
    },
  };
}

/** A text, and the element that has it and nothing else. */
type Sight = readonly [selector: string, text: string];

/** How many services the search says it found. */
export const found = (count: string): Sight => ["#found-q", count];

/** Resolves when it is to be seen. */
export const see = (page: Page, sight: Sight): Promise<unknown> =>
  page.waitForFunction(([selector, text]) => document.querySelector(selector)?.textContent === text, sight);

/**
 * Milliseconds from an action's last key or click to the end of the frame that shows what it is for, by the page's own
 * clock. It must not be shown before: the first change of whatever kind would be taken for the answer.
 */
async function timed(page: Page, act: () => Promise<void>, sight: Sight): Promise<number> {
  await page.evaluate(([selector, text]) => {
    const isShown = (): boolean => document.querySelector(selector)?.textContent === text;
    if (isShown()) throw new Error(`${selector} says ${text} already`);
    let began = Number.NaN;
    const start = (event: Event): void => {
      began = event.timeStamp;
    };
    const types = ["keydown", "click"];
    for (const type of types) addEventListener(type, start, { capture: true });
    const shown = new Promise<number>((resolve) => {
      const observer = new MutationObserver(() => {
        if (!isShown()) return;
        observer.disconnect();
        for (const type of types) removeEventListener(type, start, { capture: true });
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
      });
      observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    Object.assign(globalThis, { shown });
  }, sight);
  await act();
  // biome-ignore lint/suspicious/noExplicitAny: the lines above put it there
  return page.evaluate(() => (globalThis as any).shown as Promise<number>);
}

/** What each kind of interaction took, in milliseconds. */
export interface Took {
  readonly search: number;
  readonly open: number;
  readonly page: number;
}

/** Finds a service by the last letter of its name, opens it, and turns the page of all services. */
export async function interact(page: Page, n: number): Promise<Took> {
  const search = async (): Promise<number> => {
    await page.fill("#search-q", "");
    await see(page, found("10,000"));
    await page.keyboard.type(`service-${n}`.slice(0, -1));
    await see(page, found("11 of 10,000"));
    return timed(page, () => page.keyboard.press(String(n).slice(-1)), found("1 of 10,000"));
  };
  const turn = async (): Promise<number> => {
    await page.fill("#search-q", "");
    await see(page, found("10,000"));
    return timed(page, () => page.click('#services a[rel="next"]'), [
      "#services .pages span:not(.off)",
      "Page 2 of 400",
    ]);
  };
  return {
    search: await search(),
    open: await timed(page, () => page.click(`[id="open-${nameOf(n)}"]`), [".nodes caption", `${nameOf(n)}:http`]),
    page: await turn(),
  };
}
