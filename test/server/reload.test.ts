import { test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { silentLogger } from "../../src/base/log.ts";
import type { LoadResult } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { createReloader } from "../../src/server/reload.ts";
import { config } from "../config/support.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";

const withRoute = (id: string): Config =>
  config(JSON.stringify({ routes: [{ id, path: "/", redirect: { path: "/there" } }] }));

const read = (id: string): LoadResult =>
  ({ ok: true, config: withRoute(id), warnings: [], listsRoutes: true }) as unknown as LoadResult;

test("a config that cannot be put in force is refused, and holds up no later change", async () => {
  const reads = [read("second"), read("third")];
  const refused: string[] = [];
  const applied: string[] = [];
  const clock = createFakeClock();
  const reloader = createReloader({
    read: async () => reads.shift()!,
    stamp: () => "",
    apply({ routes: [route] }) {
      if (route!.id === "second") throw new Error("no such thing");
      applied.push(route!.id);
    },
    refuse: (errors) => refused.push(...errors),
    current: withRoute("first"),
    clock,
    logger: silentLogger,
  });
  reloader.reload();
  await clock.settle();
  assertStringIncludes(refused[0]!, "no such thing");
  assertEquals([reloader.counts().current, reloader.current().routes[0]!.id], [false, "first"]);
  reloader.reload();
  await clock.settle();
  assertEquals([applied, reloader.counts().current], [["third"], true]);
});

test("a file that is never done with being read holds up no later change", async () => {
  const clock = createFakeClock();
  const reads: Promise<LoadResult>[] = [new Promise(() => {}), Promise.resolve(read("second"))];
  const refused: string[] = [];
  const applied: string[] = [];
  const reloader = createReloader({
    read: () => reads.shift()!,
    stamp: () => "",
    apply: (config) => void applied.push(config.routes[0]!.id),
    refuse: (errors) => refused.push(...errors),
    current: withRoute("first"),
    clock,
    logger: silentLogger,
  });
  reloader.reload();
  reloader.reload();
  await clock.advance(60_000);
  await clock.settle();
  assertStringIncludes(refused[0]!, "longer than 60 s");
  assertEquals(applied, ["second"]);
  assertEquals(reloader.counts().current, true);
});
