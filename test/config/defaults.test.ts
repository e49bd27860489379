import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { errors, route } from "./support.ts";

/** Names (and a telling option) of a route's middleware under these defaults. */
const merged = (own: string, defaults: string): unknown[] =>
  route(`{service: a/b, middleware: ${own}}`, `{middleware: ${defaults}}`).middleware.map((entry) => {
    if (entry.use !== undefined) return entry.options === undefined ? entry.use : [entry.use, entry.options];
    const [[name, options]] = Object.entries(entry) as [[string, { limit?: number; max_size?: number }]];
    const told = options?.limit ?? options?.max_size;
    return told === undefined ? name : [name, told];
  });

describe("a route's middleware and those of defaults", () => {
  test("run one after another, the defaults' first, where their names differ", () => {
    assertEquals(merged("[{secure_headers: {}}, {compress: {}}]", "[{cors: {}}, {csrf: {}}]"), [
      "cors",
      "csrf",
      "secure_headers",
      "compress",
    ]);
    assertEquals(merged("[]", "[{cors: {}}]"), ["cors"]);
  });

  test("of one name stand in the place of the defaults', all of them", () => {
    const two = "[{rate_limit: {limit: 1}}, {cors: {}}, {rate_limit: {limit: 2}}]";
    assertEquals(merged("[{compress: {}}, {rate_limit: {limit: 3}}, {rate_limit: {limit: 4}}]", two), [
      ["rate_limit", 3],
      ["rate_limit", 4],
      "cors",
      "compress",
    ]);
    assertEquals(merged("[{body_limit: {max_size: 9}}]", "[{body_limit: {max_size: 5}}]"), [["body_limit", 9]]);
  });

  test("are none of a name where the route says false", () => {
    assertEquals(merged("[{cors: false}]", "[{cors: {}}, {compress: {}}, {cors: {}}]"), ["compress"]);
    assertEquals(merged("[{cors: false}, {compress: {}}]", "[]"), ["compress"]);
  });

  test("of one's own are told apart by their paths, and use: false takes all of defaults away", () => {
    const defaults = "[{use: ./a.ts, options: 1}, {use: ./b.ts}, {cors: {}}]";
    assertEquals(merged("[{use: ./b.ts, options: false}]", defaults), [["./a.ts", 1], ["./b.ts", false], "cors"]);
    assertEquals(merged("[{use: false}]", defaults), ["cors"]);
    assertEquals(merged("[{use: false}, {use: ./b.ts, options: 2}]", defaults), [["./b.ts", 2], "cors"]);
  });

  test("that are switched off where nothing else can be are an error", () => {
    const text = "defaults: {middleware: [{cors: false}]}\nroutes:\n  - {service: a/b}\n";
    assertEquals(errors(text), [
      "1:32: defaults.middleware[0].cors is false, which takes nothing away here: a route says so of what defaults have",
    ]);
  });
});

describe("every other default can be undone by a route", () => {
  test.each([
    ["timeouts", "{connect: 1, response: 1, idle: 1}", "{connect: 0, response: 0, idle: 0}"],
    ["retries", "{attempts: 5}", "{attempts: 1}"],
    ["retries", "{on: [connect]}", "{on: []}"],
    ["health", "{passive: {failures: 1}, active: {path: /}}", "{passive: false, active: false}"],
    ["balancer", "random", "round_robin"],
    ["pass_host", "node", "pass"],
  ])("%s: %s by %s", (key, defaults, own) => {
    const bare = route(`{service: a/b, ${key}: ${own}}`) as unknown as Record<string, unknown>;
    const made = route(`{service: a/b, ${key}: ${own}}`, `{${key}: ${defaults}}`) as unknown as Record<string, unknown>;
    assertEquals(made[key], bare[key]);
  });

  test("upstream_tls, key by key", () => {
    const defaults = "{upstream_tls: {verify: false, ca_file: /ca, server_name: x, cert_file: /c, key_file: /k}}";
    const undone = "{verify: true, ca_file: false, server_name: false, cert_file: false, key_file: false}";
    assertEquals(route(`{service: a/b, upstream_tls: ${undone}}`, defaults).upstream_tls, { verify: true });
    assertEquals(route("{service: a/b, upstream_tls: {ca_file: false}}", defaults).upstream_tls, {
      verify: false,
      server_name: "x",
      cert_file: "/c",
      key_file: "/k",
    });
  });
});
