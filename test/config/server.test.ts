import { describe, test } from "bun:test";
import { assertEquals, assertMatch } from "@std/assert";
import type { Config } from "../../src/config/schema.ts";
import { config, errors, warnings } from "./support.ts";

const server = (yaml: string): Config["server"] => config(`server: ${yaml}\n`).server;
const admin = (yaml: string): Config["admin"] => config(`admin: ${yaml}\n`).admin;

test("an empty file is refused: it is what a writer that failed leaves", () => {
  for (const text of ["", "\n", "# nothing yet\n", "---\n", "---\nnull\n"]) {
    assertEquals(
      errors(text).map((line) => line.replace(/^\d+:\d+: | \(.*/g, "")),
      ["the file is empty: a config has at least a list of routes"],
    );
  }
});

test("an empty mapping is an empty config with every default", () => {
  for (const text of ["{}", "server: {}\n"]) {
    assertEquals(config(text), {
      server: {
        listen: { host: "0.0.0.0", port: 8080 },
        http2: true,
        http3: false,
        workers: 1,
        trusted_proxies: [],
        limits: {
          header_bytes: 32_768,
          headers: 100,
          url_bytes: 8192,
          body_bytes: 0,
          body_rate: 128,
          body_window: 30_000,
          head_timeout: 10_000,
          keep_alive: 75_000,
          write_stall: 60_000,
          connections_per_client: 0,
          requests: 0,
          streams: 100,
          buffer_bytes: 134_217_728,
        },
        paths: "reject",
        underscore_headers: "pass",
        via: false,
        upstream_headers: false,
        access_log: "json",
        log_level: "info",
        drain_delay: 0,
        drain: 10_000,
      },
      admin: { listen: { host: "127.0.0.1", port: 9090 } },
      discovery: undefined,
      routes: [],
      streams: [],
      tracing: undefined,
    });
  }
});

describe("listen takes every usual form", () => {
  const forms: [string, string, number][] = [
    ["8080", "0.0.0.0", 8080],
    ['"8080"', "0.0.0.0", 8080],
    ['":8080"', "0.0.0.0", 8080],
    ["0", "0.0.0.0", 0],
    ["127.0.0.1:80", "127.0.0.1", 80],
    ["localhost:80", "localhost", 80],
    ['"[::1]:80"', "::1", 80],
    ["{port: 80}", "0.0.0.0", 80],
    ["{host: '::', port: '80'}", "::", 80],
  ];
  for (const [written, host, port] of forms) {
    test(written, () => {
      assertEquals(server(`{listen: ${written}}`).listen, { host, port });
    });
  }
});

describe("every key of server is taken over", () => {
  const keys: [yaml: string, key: string, value: unknown][] = [
    ["http2: false", "http2", false],
    ["http3: false", "http3", false],
    ["workers: 1", "workers", 1],
    [
      "trusted_proxies: [10.0.0.0/8, 'fd00::/8', 192.0.2.1, '::1']",
      "trusted_proxies",
      ["10.0.0.0/8", "fd00::/8", "192.0.2.1", "::1"],
    ],
    ["limits: {body_bytes: 5}", "limits", { ...server("{}").limits, body_bytes: 5 }],
    ["via: true", "via", true],
    ["upstream_headers: true", "upstream_headers", true],
    ["zone: eu-1a", "zone", "eu-1a"],
    ["access_log: combined", "access_log", "combined"],
    ["access_log: false", "access_log", false],
    ["log_level: debug", "log_level", "debug"],
    ["drain_delay: 5000", "drain_delay", 5000],
    ["drain: 0", "drain", 0],
  ];
  for (const [yaml, key, value] of keys) {
    test(yaml, () => {
      assertEquals(server(`{${yaml}}`)[key as "zone"], value as string);
    });
  }

  test("tls is one certificate or a list, and https may be redirected to", () => {
    const made = server("{tls: {cert_file: c, key_file: k}, redirect_http: 8081}");
    assertEquals(made.tls, [{ cert_file: "c", key_file: "k" }]);
    assertEquals(made.redirect_http, 8081);
    const two = "{tls: [{cert_file: c, key_file: k}, {cert_file: d, key_file: l, server_name: x}]}";
    assertEquals(server(two).tls?.length, 2);
  });
});

describe("the admin API", () => {
  test("can be switched off", () => {
    assertEquals(admin("false"), false);
  });

  test("may listen elsewhere with a token, and on loopback without one", () => {
    assertEquals(admin("{listen: 0.0.0.0:9090, token: abc}"), {
      listen: { host: "0.0.0.0", port: 9090 },
      token: "abc",
    });
    for (const host of ["127.0.0.2", "localhost", "'[::1]"]) {
      const listen = host.startsWith("'") ? `${host}:9091'` : `${host}:9091`;
      assertEquals(errors(`admin: {listen: ${listen}}\n`), []);
    }
    assertEquals(errors("admin: {listen: {port: 9091}}\n"), []);
  });

  test("off loopback is warned of: its token passes in clear", () => {
    const [warning, ...more] = warnings("admin: {listen: 0.0.0.0:9090, token: abc}\n");
    assertEquals(more, []);
    assertMatch(warning!, /^1:9: admin\.listen is not on loopback and has no TLS: the token passes in clear/);
    assertEquals(warnings("admin: {token: abc}\n"), []);
  });

  test("an empty token from the environment does not open it", () => {
    assertEquals(errors("admin:\n  listen: 0.0.0.0:9090\n  token: ${T}\n", { env: { T: "" } }), [
      "3:10: admin.token must be a token, or a text such as ${ADMIN_TOKEN}, found an empty text from the environment",
    ]);
  });

  test("two listeners may share port 0, which is two ports", () => {
    assertEquals(errors("server: {listen: 0}\nadmin: {listen: 0}\n"), []);
  });
});
