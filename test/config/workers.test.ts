import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readWorkerConfig } from "../../src/server/workers/config.ts";

const SERVICE = "service: { host: api.test, port: 443 }";

const config = (cluster: string, rest = "routes: [{ path: /, service: web }]"): string =>
  `discovery:\n  kubernetes: { ${SERVICE}, ${cluster} }\n${rest}\n`;

/** The errors of a config, one text; "" where there is none. */
function errorsOf(text: string, env = {}): string {
  const read = readWorkerConfig(text, env);
  return read.ok ? "" : read.errors.join("\n");
}

describe("a config on Workers", () => {
  test("is polled where it says no mode", () => {
    const read = readWorkerConfig(config("poll_interval: 1000"), {});
    assert(read.ok);
    assertEquals(read.config.discovery?.clusters[0]?.mode, "poll");
  });

  test.each([
    ["watch", "needs a stream that outlives the request"],
    ["auto", "needs a stream that outlives the request"],
    ["request", "asks the apiserver for every request"],
  ])("may not ask for mode %s, and is told why", (mode, why) => {
    const errors = errorsOf(config(`mode: ${mode}`));
    assertStringIncludes(errors, "gateway.yaml:2:");
    assertStringIncludes(errors, "discovery.kubernetes.mode must be poll on Workers");
    assertStringIncludes(errors, why);
  });

  test.each([
    ["client.token_file", "client: { token_file: /t }", undefined],
    ["client.cert_file", "client: { cert_file: /c, key_file: /k }", undefined],
    ["client.key_file", "client: { cert_file: /c, key_file: /k }", undefined],
    ["client.kubeconfig", "client: { kubeconfig: /k }", undefined],
    ["snapshot_file", "snapshot_file: /s", undefined],
    [
      "routes[0].upstream_tls.ca_file",
      "",
      "routes: [{ path: /, service: web, scheme: https, upstream_tls: { ca_file: /c } }]",
    ],
    ["routes[0].middleware[0].use", "", "routes: [{ path: /, service: web, middleware: [{ use: ./m.ts }] }]"],
  ])("may not name a file: %s is refused by name", (key, cluster, rest) => {
    assertStringIncludes(errorsOf(config(cluster, rest)), `${key} names a file, and Workers has none`);
  });

  test.each([
    ["server.tls", "server: { tls: { cert_file: /c, key_file: /k } }", "Cloudflare's edge accepts the connections"],
    ["streams", "streams: [{ listen: 5432, service: db/pg }]", "Workers has no listener for TCP"],
    ["tracing", 'tracing: { otlp_endpoint: "http://c:4318" }', "Cloudflare's own tracing"],
    [
      "routes[0].pass_host",
      "routes: [{ path: /, service: web, pass_host: rewrite, upstream_host: a.test }]",
      "must be node",
    ],
    [
      "routes[0].health.active",
      "routes: [{ path: /, service: web, health: { active: { path: /healthz } } }]",
      "nothing runs there between requests",
    ],
  ])("may not ask for what there is not: %s", (key, text, why) => {
    const rest = text.startsWith("routes") ? text : `${text}\nroutes: [{ path: /, service: web }]`;
    const errors = errorsOf(config("", rest));
    assertStringIncludes(errors, key);
    assertStringIncludes(errors, why);
  });

  test("is warned of what has no effect there, each key by its name", () => {
    const server = "server: { listen: 8080, http2: false, drain: 1, drain_delay: 1 }";
    const read = readWorkerConfig(config("", `${server}\nadmin: {}\nroutes: []`), {});
    assert(read.ok);
    const keys = ["admin", "server.drain", "server.drain_delay", "server.http2", "server.listen"];
    assertEquals(read.warnings.map((warning) => /: (\S+) has no effect on Workers/.exec(warning)?.[1]).sort(), keys);
    const off = readWorkerConfig(config("", "admin: false\nroutes: []"), {});
    assertEquals(off.ok && off.warnings, []);
  });

  test("may not leave an upstream's certificate unchecked, and may check it", () => {
    const route = (verify: boolean): string =>
      `routes: [{ path: /, service: web, upstream_tls: { verify: ${verify} } }]`;
    assertStringIncludes(errorsOf(config("", route(false))), "routes[0].upstream_tls.verify");
    assertEquals(errorsOf(config("", route(true))), "");
  });

  test("of several clusters tells every fault, each with its place", () => {
    const text = `discovery:
  kubernetes:
    - { id: a, ${SERVICE}, mode: watch }
    - { id: b, ${SERVICE}, client: { token_file: /t } }
`;
    const errors = errorsOf(text);
    assertStringIncludes(errors, "gateway.yaml:3:");
    assertStringIncludes(errors, "discovery.kubernetes[0].mode");
    assertStringIncludes(errors, "gateway.yaml:4:");
    assertStringIncludes(errors, "discovery.kubernetes[1].client.token_file");
  });

  test("takes variables and secrets of the Worker, and none of its bindings", () => {
    const text = config('client: { token: "${TOKEN}" }');
    const read = readWorkerConfig(text, { TOKEN: "t", UPSTREAM: { fetch } as never });
    assert(read.ok);
    assertEquals(read.config.discovery?.clusters[0]?.client.token, "t");
    assertStringIncludes(errorsOf(text), "the environment variable TOKEN is not set");
  });
});
