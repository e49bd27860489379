import { describe, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";
import { CASES } from "./cases.ts";
import { fixtureFiles, imported } from "./support.ts";

describe("import apisix", () => {
  for (const name of Object.keys(CASES)) {
    test(`${name}: what check accepts is printed, and what is not carried over is told`, async () => {
      const { faults, leftovers, gateway } = imported(await fixtureFiles(name));
      assertEquals(faults, []);
      assertEquals(
        leftovers.map(({ path }) => path),
        CASES[name]!.left,
        leftovers.map(({ path, message }) => `${path}: ${message}`).join("\n"),
      );
      const told = JSON.stringify(leftovers);
      assert(!told.includes("s3cr3t"), told);
      for (const { file, path } of leftovers) assert(path !== "" && file !== "", path);
      assert(gateway.startsWith("# Made by podway"), gateway);
    });
  }
});

describe("the configurations of APISIX's page on Kubernetes discovery", () => {
  const folder = join(import.meta.dir, "../../fixtures/config/apisix");
  const EMPTY = [
    "discovery.kubernetes.service.host",
    "discovery.kubernetes.service.port",
    "discovery.kubernetes.client.token",
  ];
  test("are imported, each key of them", async () => {
    for (const name of await readdir(folder)) {
      const content = await readFile(join(folder, name), "utf8");
      const { faults, leftovers } = imported([{ name, content }]);
      const paths = leftovers.map(({ path }) => path);
      assertEquals([name, faults, paths], [name, [], name.startsWith("out-of-pod") ? EMPTY : []]);
    }
  });
});

describe("a cluster of config.yaml", () => {
  const upstream = { type: "roundrobin", service_name: "default/cart:http", discovery_type: "kubernetes" };
  const withCluster = (kubernetes: object) =>
    imported([
      { name: "config.yaml", content: JSON.stringify({ discovery: { kubernetes } }) },
      { name: "apisix.yaml", content: JSON.stringify({ routes: [{ uri: "/cart", upstream }] }) },
    ]);
  const made = (text: string) => parse(text) as { discovery?: { kubernetes?: unknown } };

  test("keeps the variables that say where it is, and the run names them", () => {
    const service = { host: "${MY_HOST}", port: "${MY_PORT}" };
    const { gateway, leftovers, variables } = withCluster({ service, client: { token_file: "${{MY_TOK:=/token}}" } });
    assertEquals(leftovers, []);
    assertEquals(made(gateway).discovery?.kubernetes, { service, client: { token_file: "${MY_TOK:-/token}" } });
    assertEquals(variables, ["MY_HOST", "MY_PORT"]);
  });

  test("is left out as a whole where its address cannot be, so that the pod's own is not followed instead", () => {
    const { gateway, leftovers, faults } = withCluster({ service: { host: "no host", port: 6443 } });
    assertEquals(faults, []);
    assertEquals(made(gateway).discovery?.kubernetes, undefined);
    assert(leftovers.some(({ path, rank }) => path.startsWith("discovery.kubernetes") && rank === "access"));
  });

  test("has no note about its certificate where it is asked without TLS", () => {
    const notes = (schema: string) =>
      withCluster({ service: { schema, host: "10.0.0.1", port: 80 } }).notes.filter(({ path }) =>
        path.startsWith("discovery"),
      ).length;
    assertEquals([notes("http"), notes("https")], [0, 1]);
  });
});
