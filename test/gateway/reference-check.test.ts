import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import type { LogFields } from "../../src/base/log.ts";
import type { Cluster } from "../../src/discovery/cluster.ts";
import { createReferenceCheck } from "../../src/gateway/reference-check.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";

/** What a service of these plans lacks, by its name; one that is not in it is there. */
type Lacking = Readonly<Record<string, "service_unknown" | "port_unknown" | "no_endpoints">>;

function checkOf(lacking: Lacking = {}) {
  const clock = createFakeClock();
  const logged: (LogFields & { message: string })[] = [];
  const check = createReferenceCheck({
    clock,
    logger: { log: (_level, message, fields) => void logged.push({ message, ...fields }) },
  });
  const state = { lacking, looked: 0 };
  const choice = (name: string, cluster = "a") => ({
    query: {},
    upstream: {
      name,
      cluster,
      reason() {
        state.looked++;
        const code = state.lacking[name];
        return code === undefined ? undefined : { code, detail: `${code} of ${name}`, outward: "" };
      },
    },
  });
  const route = (id: string, ...choices: unknown[]) => ({ kind: "proxy", rule: { id }, choices });
  const planOf = (routes: unknown[], streams?: Map<string, unknown>) =>
    ({ routes: { routes }, streams: streams && { byId: streams } }) as unknown as Parameters<typeof check.check>[0];
  const listed = Promise.withResolvers<void>();
  const cluster = (id: string, mode = "watch"): Cluster =>
    ({ id, config: { mode }, whenListed: () => listed.promise }) as unknown as Cluster;
  const told = (): unknown[] =>
    logged.splice(0).map(({ route, stream, service, code, more }) => more ?? [route ?? stream, service, code]);
  return { check, clock, state, choice, route, planOf, cluster, listed, told };
}

describe("what a config names", () => {
  test("is looked for once its cluster has its first list, by route and stream; nodes and redirects name nothing", async () => {
    const { check, clock, choice, route, planOf, cluster, listed, told } = checkOf({
      none: "service_unknown",
      port: "port_unknown",
      empty: "no_endpoints",
    });
    const routes = [
      { kind: "redirect", rule: { id: "moved" } },
      route("r", choice("none"), choice("there"), choice("empty")),
      route("own", { upstream: choice("none").upstream, query: undefined }),
    ];
    check.check(
      planOf(
        routes,
        new Map([["s", { of: [choice("port"), { upstream: choice("none").upstream, query: undefined }] }]]),
      ),
      [cluster("a")],
    );
    await clock.settle();
    assertEquals(told(), []);
    listed.resolve();
    await clock.settle();
    assertEquals(told(), [
      ["r", "none", "service_unknown"],
      ["s", "port", "port_unknown"],
    ]);
  });

  test("is not looked for where the apiserver is asked with each request, nor in a cluster that is not followed", async () => {
    const { check, clock, state, choice, route, planOf, cluster, listed, told } = checkOf({ none: "service_unknown" });
    listed.resolve();
    check.check(planOf([route("r", choice("none"), choice("none", "b"))]), [cluster("a", "request"), cluster("c")]);
    await clock.settle();
    assertEquals([told(), state.looked], [[], 0]);
  });

  test("is told of again when it is wrong in another way, or was right or not named in between, and not otherwise", async () => {
    const { check, clock, state, choice, route, planOf, cluster, listed, told } = checkOf({ it: "service_unknown" });
    listed.resolve();
    const look = async (routes = [route("r", choice("it"))]): Promise<number> => {
      check.check(planOf(routes), [cluster("a")]);
      await clock.settle();
      return told().length;
    };
    assertEquals([await look(), await look()], [1, 0]);
    state.lacking = { it: "port_unknown" };
    assertEquals([await look(), await look()], [1, 0]);
    state.lacking = {};
    assertEquals(await look(), 0);
    state.lacking = { it: "port_unknown" };
    assertEquals([await look(), await look([]), await look()], [1, 0, 1]);
    assertEquals(await look([route("r", choice("it")), route("other", choice("it"))]), 1, "another route names it too");
  });

  test("fills twenty lines at most, and says how many more there are", async () => {
    for (const [count, wanted] of [
      [19, []],
      [20, []],
      [21, [1]],
      [250, [230]],
    ] as const) {
      const names = Array.from({ length: count }, (_, i) => `s${i}`);
      const { check, clock, choice, route, planOf, cluster, listed, told } = checkOf(
        Object.fromEntries(names.map((name) => [name, "service_unknown"])),
      );
      listed.resolve();
      check.check(planOf(names.map((name) => route(name, choice(name)))), [cluster("a")]);
      for (let i = 0; i < 5; i++) await clock.advance(0);
      const lines = told();
      assertEquals([count, lines.length, lines.slice(20)], [count, Math.min(count, 20) + wanted.length, [...wanted]]);
      check.check(planOf(names.map((name) => route(name, choice(name)))), [cluster("a")]);
      for (let i = 0; i < 5; i++) await clock.advance(0);
      assertEquals(told(), [], "those beyond the lines are known too");
    }
  });

  test("lets other work go on after each hundred, and is given up for another config or at the end", async () => {
    const names = Array.from({ length: 350 }, (_, i) => `s${i}`);
    for (const stops of [true, false]) {
      const { check, clock, state, choice, route, planOf, cluster, listed } = checkOf();
      listed.resolve();
      check.check(planOf(names.map((name) => route(name, choice(name)))), [cluster("a")]);
      await clock.settle();
      assertEquals([state.looked, clock.pending], [99, 1]);
      await clock.advance(0);
      assertEquals(state.looked >= 199, true);
      const before = state.looked;
      if (stops) check.stop();
      else check.check(planOf([]), [cluster("a")]);
      for (let i = 0; i < 5; i++) await clock.advance(0);
      if (before < 350) assertEquals([state.looked, clock.pending], [before, 0]);
    }
  });
});
