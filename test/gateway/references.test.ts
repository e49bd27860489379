import { describe, test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { createRefusalLog } from "../../src/telemetry/refusals.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { until } from "../helpers/wait.ts";
import { oneCluster, slice } from "./objects.ts";
import { startPods } from "./pods.ts";
import { problemOf, type ServedGateway, serve } from "./support.ts";

interface Line {
  readonly message: string;
  readonly route?: string;
  readonly stream?: string;
  readonly service: string;
  readonly code: string;
  readonly reason: string;
}

const linesOf = ({ stderr }: Pick<ServedGateway, "stderr">, message: string): Line[] =>
  stderr.filter((line) => line.includes(message)).map((line) => JSON.parse(line));

const MISSING = "What the config names is not there";

const untilMissing = (gateway: ServedGateway, count: number): Promise<unknown> =>
  until(() => linesOf(gateway, MISSING).length >= count, { message: () => gateway.stderr.join("\n") });

const inForce = (gateway: ServedGateway, times: number): Promise<unknown> =>
  until(() => linesOf(gateway, "The changed config is in force").length === times, { message: "it is in force" });

describe("a config that names what its cluster does not have", () => {
  test("says so at the start, by route and stream, with what exists", async () => {
    await using api = await serveEmbedded();
    api.api.apply(slice("web", ["10.0.0.1"], [{ name: "http", port: 80 }]));
    const routes = [
      { id: "fine", path: "/fine", service: "web:http" },
      { id: "absent", path: "/absent", service: "shop" },
      { id: "port", path: "/port", service: "web:nope" },
      { id: "own", path: "/own", nodes: [{ host: "127.0.0.1", port: 1 }] },
    ];
    const streams = [{ id: "db", listen: "127.0.0.1:0", service: "postgres" }];
    await using gateway = await serve({ ...oneCluster(api, routes), streams });
    await untilMissing(gateway, 3);
    const found = linesOf(gateway, MISSING);
    assertEquals(
      found.map(({ route, stream, service, code }) => [route ?? stream, service, code]),
      [
        ["absent", "default/shop", "service_unknown"],
        ["port", "default/web:nope", "port_unknown"],
        ["db", "default/postgres", "service_unknown"],
      ],
    );
    assertStringIncludes(found[0]!.reason, "services there: web");
    assertStringIncludes(found[1]!.reason, "ports: http (80)");
  });

  test("says so when a reload breaks it, not again while it stays broken, and again when it is broken anew", async () => {
    await using api = await serveEmbedded();
    api.api.apply(slice("web", ["10.0.0.1"], 80));
    const config = (service: string, host: string) => oneCluster(api, [{ id: "r", service, hosts: [host] }]);
    await using gateway = await serve(config("web", "a.test"));
    await gateway.writeConfig(config("wbe", "a.test"));
    await inForce(gateway, 1);
    await untilMissing(gateway, 1);
    await gateway.writeConfig(config("wbe", "b.test"));
    await inForce(gateway, 2);
    await gateway.writeConfig(config("web", "b.test"));
    await inForce(gateway, 3);
    await gateway.writeConfig(config("wbe", "c.test"));
    await inForce(gateway, 4);
    await untilMissing(gateway, 2);
    assertEquals(
      linesOf(gateway, MISSING).map(({ service }) => service),
      ["default/wbe", "default/wbe"],
    );
  });
});

describe("a request that finds no address", () => {
  test("leaves in the log what its client is not told, once for many of them", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(1);
    api.api.apply([slice("secret-service", [pods.all[0]!.ip], pods.port), slice("empty", [], 80)]);
    await using gateway = await serve(
      oneCluster(api, [
        { id: "absent", path: "/absent", service: "nothing-here" },
        { id: "port", path: "/port", service: "secret-service:nope" },
        { id: "empty", path: "/empty", service: "empty" },
      ]),
    );
    for (let n = 0; n < 20; n++) {
      for (const path of ["/absent", "/port", "/empty"]) await problemOf(await gateway.fetch(path));
    }
    const found = linesOf(gateway, "A request found no address");
    assertEquals(
      found.map(({ route, code }) => [route, code]),
      [
        ["absent", "service_unknown"],
        ["port", "port_unknown"],
        ["empty", "no_endpoints"],
      ],
    );
    assertStringIncludes(found[0]!.reason, "secret-service");
    assertStringIncludes(found[1]!.reason, `http (${pods.port})`);
  });

  test("is logged again after a minute, with how many there were", async () => {
    const clock = createFakeClock();
    const lines: unknown[] = [];
    const tell = createRefusalLog({
      clock,
      logger: { log: (_level, _message, fields) => void lines.push(fields!.times) },
    });
    const refuse = (route: string): void => tell({ route, service: "s" }, undefined);
    for (let n = 0; n < 5; n++) refuse("a");
    refuse("b");
    await clock.advance(59_999);
    refuse("a");
    assertEquals(lines, [1, 1]);
    await clock.advance(1);
    refuse("a");
    assertEquals(lines, [1, 1, 6]);
  });
});
