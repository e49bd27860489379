import { describe, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
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
