import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { valuesDocument } from "../../src/config/document.ts";
import { checkConfig, formatIssue } from "../../src/config/load.ts";
import { readSource } from "../../src/config/source.ts";
import { FORMAT } from "../../src/gateway/format.ts";
import type { Env } from "../../src/platform/process.ts";
import { badConfigs } from "../fixtures/config/bad-configs.ts";

const check = (root: unknown, env: Env = {}) =>
  checkConfig(valuesDocument("the routes handed over", root), { format: FORMAT, env, pod: {} });

describe("what another program hands over as values is checked by the rules of a file", () => {
  // Environment variables and the text's own faults are a file's alone.
  const cases = badConfigs.flatMap(({ what, yaml, env, says }) => {
    const { root, issues } = readSource({ file: "gateway.yaml", text: yaml, env: undefined });
    return issues.length > 0 || root === undefined || yaml.includes("${") ? [] : [{ what, root, env, says }];
  });

  for (const { what, root, env, says } of cases) {
    test(what, () => {
      const result = check(root, env);
      assert(!result.ok);
      const without = says.map((line) => line.replace(/^\d+:\d+: /, ""));
      assertEquals(result.errors.map(({ message }) => message).sort(), [...new Set(without)].sort());
    });
  }

  test("all but a few of the known mistakes are among them", () => {
    assert(cases.length > 100, `${cases.length} of ${badConfigs.length}`);
  });
});

test("a fault of a value that stands in no file names where it comes from and its place", () => {
  const result = check({ routes: [{ service: 1 }] });
  assert(!result.ok);
  assertEquals(result.errors.map(formatIssue), [
    "the routes handed over: routes[0].service must be a service reference such as namespace/name:port, found the number 1",
  ]);
});

test("values that are right make the config that their file would", () => {
  const result = check({ routes: [{ nodes: [{ host: "a", port: 80 }], path: "/a" }] });
  assert(result.ok);
  assertEquals(result.config.routes[0]!.path, { prefix: "/a" });
});
