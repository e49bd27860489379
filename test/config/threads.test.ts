import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formatIssue, loadConfig } from "../../src/config/load.ts";
import { FORMAT } from "../../src/gateway/format.ts";
import { readWorkerConfig } from "../../src/server/workers/config.ts";
import { config, warnings } from "./support.ts";

const LIMITED = "routes:\n  - nodes: [{host: a, port: 1}]\n    middleware: [{rate_limit: {limit: 5}}]\n";

describe("server.workers", () => {
  test.each([["1"], ["4"], ["auto"]])("may be %s", (workers) => {
    assertEquals(String(config(`server: {workers: ${workers}}\n`).server.workers), workers);
    assertEquals(warnings(`server: {workers: ${workers}}\n`), []);
  });

  test.each([
    ["4", "4 times"],
    ["auto", "as many times"],
  ])("with %s, a rate limit is said to be counted in each worker", (workers, times) => {
    const [warning, ...more] = warnings(`server: {workers: ${workers}}\n${LIMITED}`);
    assertEquals(more, []);
    assertStringIncludes(warning!, "4:19: routes[0].middleware[0].rate_limit is counted in each worker by itself");
    assertStringIncludes(warning!, `${times} the limit`);
  });

  test.each([["throttle: {rate: 5}"], ["concurrency_limit: {limit: 5}"]])("the same of %s", (limit) => {
    const [warning] = warnings(`server: {workers: 2}\n${LIMITED.replace("rate_limit: {limit: 5}", limit)}`);
    assertStringIncludes(warning!, `${limit.split(":")[0]} is counted in each worker by itself`);
  });

  test("with 1, a rate limit is what it says", () => {
    assertEquals(warnings(`server: {workers: 1}\n${LIMITED}`), []);
  });

  for (const workers of ["2", "auto"]) {
    test(`may not be ${workers} where a runtime has no threads that share a port, which is said in words`, () => {
      const text = `server:\n  workers: ${workers}\nroutes: []\n`;
      const loaded = loadConfig({
        format: FORMAT,
        file: "gateway.yaml",
        text,
        env: {},
        pod: {},
        limitations: ["threads"],
      });
      assert(!loaded.ok);
      const words =
        "gateway.yaml:2:12: server.workers must be 1 here (or left out): this runtime has no threads that share a port; " +
        "run on Bun, or start more gateways";
      assertEquals(loaded.errors.map(formatIssue), [words]);
      const onWorkers = readWorkerConfig(text, {});
      assert(!onWorkers.ok);
      assertEquals(onWorkers.errors, [words]);
    });
  }

  test("may be 1 anywhere", () => {
    const text = "server: {workers: 1}\nroutes: []\n";
    const loaded = loadConfig({
      format: FORMAT,
      file: "gateway.yaml",
      text,
      env: {},
      pod: {},
      limitations: ["threads"],
    });
    assert(loaded.ok);
    assert(readWorkerConfig(text, {}).ok);
  });
});
