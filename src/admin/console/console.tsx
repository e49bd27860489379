/** @jsxImportSource hono/jsx */
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import type { Clock } from "../../base/clock.ts";
import script from "./browser.js" with { type: "text" };
import { answerForm } from "./explain.tsx";
import { type ConsoleParts, gather } from "./model.ts";
import narrow from "./narrow.css" with { type: "text" };
import base from "./page.css" with { type: "text" };
import { type Assets, ConsolePage, LIVE_PARTS } from "./page.tsx";
import { shareNodes } from "./shared-nodes.ts";
import { readState } from "./state.ts";
import tables from "./tables.css" with { type: "text" };

/** Milliseconds between two looks at what a viewer sees: a pod that went is gone from the page within a second. */
const LOOK_MS = 500;
/** Milliseconds without a change after which a byte shows that the connection is there. */
const ALIVE_MS = 15_000;
/** Viewers at once; more get the page and no live changes, so that they cannot take what the gateway needs. */
const VIEWERS = 50;

/** What the console works with. */
export interface ConsoleOptions extends ConsoleParts {
  readonly clock: Clock;
}

/** In this order: what is for narrow screens replaces what is for all. */
const css = [base, tables, narrow].join("\n");
const assets: Assets = { css: "/console/page.css", script: "/console/page.js" };

/** The console: the page at `/`, what it is made of, and its live changes. It reads and changes nothing. */
export function createConsole(options: ConsoleOptions): Hono {
  const { clock } = options;
  const parts = { ...options, nodes: shareNodes(options.view, clock) };
  const app = new Hono();
  let viewers = 0;

  app.get("/", async (c) => {
    const state = readState(new URL(c.req.url).searchParams);
    const [model, answer] = await Promise.all([gather(parts, state), answerForm(options.view, state.explain)]);
    return c.html(`<!doctype html>${String(<ConsolePage model={model} answer={answer} assets={assets} />)}`);
  });

  app.get("/console/page.css", (c) => c.body(css, 200, { "content-type": "text/css; charset=utf-8" }));
  app.get("/console/page.js", (c) => c.body(script, 200, { "content-type": "text/javascript; charset=utf-8" }));

  app.get("/console/events", (c) => {
    if (viewers >= VIEWERS) return c.text("too many viewers\n", 503, { "retry-after": "10" });
    const state = readState(new URL(c.req.url).searchParams);
    return streamSSE(c, async (stream) => {
      viewers++;
      const left = new AbortController();
      stream.onAbort(() => left.abort());
      const sent = new Map<string, string>();
      let lastSent = clock.now();
      try {
        while (!left.signal.aborted) {
          const model = await gather(parts, state);
          for (const [id, Part] of Object.entries(LIVE_PARTS)) {
            const html = String(<Part model={model} />);
            if (sent.get(id) === html) continue;
            sent.set(id, html);
            lastSent = clock.now();
            await stream.writeSSE({ event: "part", data: JSON.stringify({ id, html }) });
          }
          if (clock.now() - lastSent >= ALIVE_MS) {
            lastSent = clock.now();
            await stream.write(": still here\n\n");
          }
          await clock.sleep(LOOK_MS, left.signal).catch(() => {});
        }
      } catch (error) {
        // A viewer that left in the middle of a write is no error.
        if (!left.signal.aborted) options.view.report(error);
      } finally {
        viewers--;
      }
    });
  });

  return app;
}
