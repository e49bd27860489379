import { afterAll, beforeAll, describe, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { assertEquals } from "@std/assert";
import { errors } from "../config/support.ts";
import { type GatewayProcess, startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";

/** A pod that answers once the test lets it. */
let release: () => void = () => {};
const pod = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    if (request.url.endsWith("/held")) await new Promise<void>((resolve) => (release = resolve));
    return new Response("from the pod");
  },
});
const nodes = [{ host: "127.0.0.1", port: pod.port }];

const rate = { rate_limit: { limit: 2, key: "all", group: "clients" } };
const slow = { throttle: { rate: 0.001, key: "all", group: "clients" } };
const busy = { concurrency_limit: { limit: 1, key: "all", group: "clients" } };
const routes = [
  { id: "a", path: "/a", nodes, middleware: [rate] },
  { id: "b", path: "/b", nodes, middleware: [{ cors: {} }, rate] },
  { id: "alone", path: "/alone", nodes, middleware: [{ rate_limit: { limit: 2, key: "all" } }] },
  { id: "c", path: "/c", nodes, middleware: [slow] },
  { id: "d", path: "/d", nodes, middleware: [slow] },
  { id: "e", path: "/e", nodes, middleware: [busy] },
  { id: "f", path: "/f", nodes, middleware: [busy] },
];
const config = (more: object[] = []) => ({
  server: { listen: "127.0.0.1:0" },
  admin: false,
  routes: [...routes, ...more],
});

describe("routes of one group", () => {
  let gateway: GatewayProcess;
  beforeAll(async () => {
    gateway = await startGateway({ config: config() });
  });
  afterAll(async () => {
    await gateway.stop();
    await pod.stop(true);
  });
  const status = async (path: string): Promise<number> => (await gateway.fetch(path)).status;

  test("share one rate, which other routes do not touch, and which a changed config keeps", async () => {
    assertEquals([await status("/a"), await status("/alone"), await status("/b")], [200, 200, 200]);
    assertEquals([await status("/a"), await status("/b"), await status("/alone")], [429, 429, 200]);
    await writeFile(gateway.configFile, JSON.stringify(config([{ id: "g", path: "/g", nodes, middleware: [rate] }])));
    await until(() => gateway.stderr.some((line) => line.includes("in force")) || undefined, {
      message: () => gateway.stderr.join("\n"),
    });
    assertEquals([await status("/g"), await status("/a")], [429, 429]);
  });

  test("share one throttle", async () => {
    assertEquals([await status("/c"), await status("/d"), await status("/c")], [200, 429, 429]);
  });

  test("share one limit of what is under way", async () => {
    const held = status("/e/held");
    await until(async () => (await status("/f")) === 429 || undefined, { message: () => "nothing is under way" });
    release();
    assertEquals([await held, await status("/f")], [200, 200]);
  });
});

test("a group whose routes want different things of it is refused, with both places", () => {
  const text = `defaults: {middleware: [{rate_limit: {limit: 2, group: a}}]}
routes:
  - {service: a/b, middleware: [{rate_limit: {limit: 2, key: client_ip, group: a}}, {throttle: {rate: 1, group: a}}]}
  - {service: a/b, middleware: [{rate_limit: {limit: 3, group: a}}, {rate_limit: {limit: 3, group: b}}]}
`;
  assertEquals(errors(text), [
    "4:64: routes[1].middleware[0].rate_limit.group shares its count with defaults.middleware[0].rate_limit, whose other options differ: they must be the same",
  ]);
});

test("a route cannot count a request twice in one group", () => {
  const twice = "{rate_limit: {limit: 2, group: a}}";
  assertEquals(errors(`routes:\n  - {service: a/b, middleware: [${twice}, ${twice}]}\n`), [
    "2:100: routes[0].middleware[1].rate_limit.group is the group of routes[0].middleware[0].rate_limit too: a request counts once in it, so remove one of them",
  ]);
});
