import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { redactCluster, redactRoute } from "../../src/config/redact.ts";
import type { RouteConfig } from "../../src/config/schema.ts";
import { FORMAT } from "../../src/gateway/format.ts";
import { cluster, route } from "./support.ts";

describe("a cluster is shown as APISIX's dump shows it", () => {
  test("with its port as text, without an id in single-cluster mode, the token as xxx", () => {
    const shown = redactCluster(cluster("{client: {token: s3cr3t}, shared_size: 1m}"));
    assertEquals(shown.service, {
      schema: "https",
      host: "10.96.0.1",
      port: "443",
      ssl_verify: true,
      ca_file: "/sa/ca.crt",
    });
    assertEquals(shown.client, { token: "xxx" });
    assertEquals([shown.shared_size, shown.default_weight, "id" in shown], ["1m", 50, false]);
  });

  test("paths of files are no secret", () => {
    assertEquals(redactCluster(cluster("{}")).client, { token_file: "/sa/token" });
    assertEquals(redactCluster(cluster("{client: {kubeconfig: /k}}")).client, { kubeconfig: "/k" });
  });

  test("what is shown can be changed without changing the config", () => {
    const made = cluster("{client: {token: s3cr3t}}");
    redactCluster(made);
    assertEquals(made.client.token, "s3cr3t");
  });
});

describe("a route is shown without secrets", () => {
  test("values of headers, cookies and parameters are xxx whatever their names, and names are shown", () => {
    const shown = redactRoute(
      FORMAT,
      route(
        [
          "service: a/b",
          "headers: {authorization: Bearer s3cr3t, x-api-key: {regex: s3cr3t}, x-env: canary, cookie: {present: true}}",
          "query: {access_token: s3cr3t, v: '2'}",
          "cookies: {sid: s3cr3t, b: {not: {in: [s3cr3t]}}, c: {present: true}}",
          "request_headers: {set: {Authorization: Basic s3cr3t, x-a: b}, add: {X-Client-Secret: s3cr3t}}",
          "request_query: {set: {api_key: s3cr3t, v: '3'}, remove: [token]}",
          "response_headers: {set: {Set-Cookie: s3cr3t, x-password: s3cr3t}, remove: [x-token]}",
        ].join("\n    "),
      ),
    );
    assert(!JSON.stringify(shown).includes("s3cr3t"));
    assertEquals(shown.headers, {
      authorization: "xxx",
      "x-api-key": { regex: "xxx" },
      "x-env": "xxx",
      cookie: { present: true },
    });
    assertEquals(shown.cookies, { sid: "xxx", b: { not: { in: ["xxx"] } }, c: { present: true } });
    assertEquals(shown.query, { access_token: "xxx", v: "xxx" });
    assertEquals(shown.request_query, { set: { api_key: "xxx", v: "xxx" }, remove: ["token"] });
    assertEquals(shown.request_headers, {
      set: { authorization: "xxx", "x-a": "xxx" },
      add: { "x-client-secret": "xxx" },
      remove: [],
    });
  });

  test("options of middleware are shown only where they cannot hold a secret", () => {
    const cors = { origin: "https://x.example", allow_methods: ["GET"], credentials: false };
    const basic = { realm: "Secure Area", hide_credentials: false };
    const made: RouteConfig = {
      ...route("service: a/b"),
      middleware: [
        { cors },
        { basic_auth: { username: "s3cr3t", users: [{ username: "s3cr3t", password: "s3cr3t" }], ...basic } },
        { use: "./mine.ts", options: { url: "https://u:s3cr3t@x" } },
      ],
    };
    assertEquals(redactRoute(FORMAT, made).middleware, [
      { cors },
      { basic_auth: { username: "xxx", users: [{ username: "xxx", password: "xxx" }], ...basic } },
      { use: "./mine.ts", options: "xxx" },
    ]);
  });

  test("all else is the effective route", () => {
    const made = route("{service: a/b, strip_prefix: /a}");
    assertEquals(redactRoute(FORMAT, made), { ...made });
  });
});
