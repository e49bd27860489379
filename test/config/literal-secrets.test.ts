import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { literalSecrets } from "../../src/config/redact.ts";
import { readSource } from "../../src/config/source.ts";
import { FORMAT } from "../../src/gateway/format.ts";

/** Where the file holds secrets, as `line:column path`. */
const placesOf = (text: string): string[] =>
  literalSecrets(FORMAT, readSource({ file: "gateway.yaml", text, env: { T: "t" } })).map(
    ({ line, column, path }) => `${line}:${column} ${path}`,
  );

describe("a secret that stands in the file", () => {
  test.each([
    ["admin: { token: abc }", ["1:17 admin.token"]],
    ["admin: { token: '${T}' }", []],
    ["discovery: { kubernetes: { client: { token: abc } } }", ["1:45 discovery.kubernetes.client.token"]],
    [
      "discovery: { kubernetes: [{ client: { token: a } }, { client: { token: '${T}' } }] }",
      ["1:46 discovery.kubernetes[0].client.token"],
    ],
    ["discovery: { kubernetes: { client: { token_file: /t, kubeconfig: /k } } }", []],
    [
      "routes: [{ middleware: [{ basic_auth: { username: me, password: abc } }] }]",
      ["1:51 routes[0].middleware[0].basic_auth.username", "1:65 routes[0].middleware[0].basic_auth.password"],
    ],
    ["routes: [{ middleware: [{ jwt: { secret: '${T}', alg: HS256 } }, { cors: { origin: '*' } }] }]", []],
    ["routes: [{ middleware: [{ jwk: { keys: [{ kid: a }] } }] }]", []],
    [
      "routes: [{ middleware: [{ use: ./m.ts, options: { greeting: hi, api_key: abc } }] }]",
      ["1:61 routes[0].middleware[0].options.greeting", "1:74 routes[0].middleware[0].options.api_key"],
    ],
    [
      "defaults: { request_headers: { set: { authorization: abc, x-a: b }, remove: [cookie] } }",
      ["1:54 defaults.request_headers.set.authorization", "1:64 defaults.request_headers.set.x-a"],
    ],
    [
      "routes: [{ headers: { x-api-key: abc, x-env: canary } }]",
      ["1:34 routes[0].headers.x-api-key", "1:46 routes[0].headers.x-env"],
    ],
    ["tracing: { headers: { x-api-key: abc } }", ["1:34 tracing.headers.x-api-key"]],
    ["server: { tls: { key_file: /k } }", []],
    [
      "routes: [{ cookies: { login: abc }, request_query: { set: { api_key: abc } } }]",
      ["1:30 routes[0].cookies.login", "1:70 routes[0].request_query.set.api_key"],
    ],
    [
      "routes: [{ redirect: { location: 'https://u:p@x.example/' } }, { redirect: { location: 'https://x.example/a' } }]",
      ["1:34 routes[0].redirect.location"],
    ],
  ])("%s", (text, places) => {
    assertEquals(placesOf(text), places);
  });
});
