import { afterAll, beforeAll, describe, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { endpoints, oneCluster, slice } from "../gateway/objects.ts";
import { serve, world } from "../gateway/support.ts";
import { type ServedApiserver, serveEmbedded } from "../helpers/embedded.ts";

let api: ServedApiserver;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "podway-nodes-"));
  api = await serveEmbedded();
  api.api.apply([
    slice(
      "shop/web",
      ["10.5.10.110", "10.5.10.109"],
      [
        { name: "http", port: 8080 },
        { name: "metrics", port: 9100 },
      ],
    ),
    slice("shop/six", ["fd00::1"], 80, { addressType: "IPv6" }),
    slice("shop/draining", [{ addresses: ["10.5.10.7"], conditions: { ready: false } }], 80),
    endpoints("plat-dev", ["10.5.10.109", "10.5.10.110"], { name: "port", port: 3306 }),
  ]);
});

afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

async function fileOf(settings: object = {}): Promise<string> {
  const file = join(folder, "gateway.yaml");
  await writeFile(file, JSON.stringify(oneCluster(api, [], settings)));
  return file;
}

async function nodes(...argv: string[]): Promise<{ code: number; stdout: string[]; stderr: string[] }> {
  const { run, stdout, stderr } = world();
  return { code: await run("nodes", ...argv), stdout, stderr };
}

describe("nodes, asking a running gateway", () => {
  test("prints a line for each node, in the order of the nodes", async () => {
    await using gateway = await serve(oneCluster(api, []));
    assertEquals(await nodes("shop/web:http", "--admin", `${gateway.adminUrl}/`), {
      code: 0,
      stdout: ["10.5.10.109:8080  weight 50", "10.5.10.110:8080  weight 50"],
      stderr: [],
    });
    const { stdout } = await nodes("shop/six:http", "--admin", gateway.adminUrl);
    assertEquals(stdout, ["[fd00::1]:80  weight 50"]);
  });

  test("says why there are none, with what there is, and exits 1", async () => {
    await using gateway = await serve(oneCluster(api, []));
    const ask = (reference: string) => nodes(reference, "--admin", gateway.adminUrl);
    const port = await ask("shop/web:nope");
    assertEquals([port.code, port.stdout], [1, []]);
    assertMatch(port.stderr[0]!, /no port nope/);
    assertMatch(port.stderr[1]!, /^there are: .*http.*metrics/);
    const service = await ask("shop/absent:http");
    assertEquals(service.code, 1);
    assertMatch(service.stderr.at(-1)!, /^there are: draining, six, web$/);
    assertMatch((await ask("a/b/c/d/e")).stderr[0]!, /a\/b\/c\/d\/e/);
  });

  test("--json is one object, --verbose tells slice, conditions and what is not used", async () => {
    await using gateway = await serve(oneCluster(api, []));
    const { stdout } = await nodes("shop/web:metrics", "--json", "--verbose", "--admin", gateway.adminUrl);
    const [first] = JSON.parse(stdout.join("")).nodes;
    assertEquals([first.host, first.port, first.slice, first.conditions.ready], ["10.5.10.109", 9100, "web-1", true]);
    const empty = await nodes("shop/draining", "-v", "--admin", gateway.adminUrl);
    assertEquals(empty.code, 1);
    assertMatch(empty.stderr[0]!, /not used: 10\.5\.10\.7:80: .*ready/);
    assertMatch(empty.stderr[1]!, /none of 1 endpoints is ready/);
  });

  test("needs the token where the gateway wants one, and is exit code 2 without", async () => {
    await using gateway = await serve({ ...oneCluster(api, []), admin: { token: "admin-secret-1" } });
    const without = await nodes("shop/web", "--admin", gateway.adminUrl);
    assertEquals(without.code, 2);
    assertStringIncludes(without.stderr[0]!, "--token");
    const wrong = await nodes("shop/web", "--admin", gateway.adminUrl, "--token", "other");
    assertEquals(wrong.code, 2);
    assertStringIncludes(wrong.stderr[0]!, "does not take this token");
    assertEquals((await nodes("shop/web", "--admin", gateway.adminUrl, "--token", "admin-secret-1")).code, 0);
    const inEnv = world({ env: { PODWAY_ADMIN_TOKEN: "admin-secret-1" } });
    assertEquals(await inEnv.run("nodes", "shop/web", "--admin", gateway.adminUrl), 0);
  });

  test("is exit code 2 where no gateway answers, and says what to do", async () => {
    const { code, stderr } = await nodes("shop/web", "--admin", "http://127.0.0.1:1");
    assertEquals(code, 2);
    assertMatch(stderr[0]!, /No gateway answers at http:\/\/127\.0\.0\.1:1.*--admin.*--config/);
    const bare = await nodes("shop/web", "--admin", "127.0.0.1:1");
    assertEquals([bare.code, bare.stderr], [2, ["--admin is a URL such as http://127.0.0.1:9090"]]);
    assertEquals((await nodes()).code, 2);
    assertEquals((await nodes("a", "b")).code, 2);
  });
});

describe("nodes --config, asking the clusters itself", () => {
  test("finds the documents' worked example: two nodes of weight 50", async () => {
    const file = await fileOf({ watch_endpoint_slices: false });
    const { code, stdout } = await nodes("default/plat-dev:port", "--config", file, "--json");
    assertEquals(code, 0);
    assertEquals(JSON.parse(stdout.join("")), {
      service: "default/plat-dev:port",
      nodes: [
        { host: "10.5.10.109", port: 3306, weight: 50 },
        { host: "10.5.10.110", port: 3306, weight: 50 },
      ],
    });
    assertEquals(api.api.openWatches.length, 0, "nothing is left running");
  });

  test("asks one service in mode request", async () => {
    const { code, stdout } = await nodes("shop/web:http", "-c", await fileOf({ mode: "request" }));
    assertEquals([code, stdout.length], [0, 2]);
  });

  test("tells the config's errors, and the cluster's refusal", async () => {
    const bad = join(folder, "bad.yaml");
    await writeFile(bad, "discovery: {kubernetes: {mode: sometimes}}\n");
    const wrong = await nodes("shop/web", "--config", bad);
    assertEquals(wrong.code, 2);
    assert(wrong.stderr[0]!.includes(`${bad}:1:`), wrong.stderr[0]);
    api.api.settings.authorize = () => false;
    try {
      const { code, stderr } = await nodes("shop/web", "--config", await fileOf());
      assertEquals(code, 1);
      assertMatch(stderr.join("\n"), /forbidden.*ClusterRole.*endpointslices/);
    } finally {
      api.api.settings.authorize = undefined;
    }
  });
});
