import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { formatIssue } from "../../src/config/load.ts";
import { badConfigs } from "../fixtures/config/bad-configs.ts";
import { errors, load } from "./support.ts";

describe("a config that cannot work is refused with every fault at its line and column", () => {
  for (const { what, yaml, env, says } of badConfigs) {
    test(what, () => {
      assertEquals(errors(yaml, { env }), [...says]);
    });
  }

  test("the table keeps its size", () => {
    assert(badConfigs.length >= 60);
  });
});

test("an issue is one line that editors can jump to", () => {
  const result = load("server:\n  drain: soon\n");
  assert(!result.ok);
  assertEquals(
    formatIssue(result.errors[0]!),
    'gateway.yaml:2:10: server.drain must be milliseconds: a whole number from 0 to 2147483647, found "soon"',
  );
  assertEquals(result.errors[0]!.path, "server.drain");
});

test("faults of all kinds are told together, in the order of the file", () => {
  const text = [
    "server: {drain: soon, drain: 5}",
    "routes:",
    "  - {id: a, servce: x}",
    "  - {id: a, service: 'a:b:c', path: {exact: /a}, rewrite_path: {replace_prefix: /b}}",
    "streams: [{listen: 1, service: x}]",
    "tracing:",
    "  otlp_endpoint: ${OTLP}",
  ].join("\n");
  const places = errors(text).map((line) => line.split(": ")[0]);
  assertEquals(places, ["1:17", "1:23", "3:5", "3:13", "4:6", "4:22", "4:65", "7:18"]);
});
