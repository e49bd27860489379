import { describe, test } from "bun:test";
import { assert } from "@std/assert";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { check } from "../../src/cli/check.ts";
import { loadConfig } from "../../src/config/load.ts";
import { redactCluster, redactRoute } from "../../src/config/redact.ts";
import { FORMAT } from "../../src/gateway/format.ts";

/** Everything a user could be shown of a text that does not work: what `check` prints, for people and for programs. */
async function shownOf(text: string, env: Record<string, string>): Promise<string> {
  const lines: string[] = [];
  const io = {
    env,
    pod: {},
    readText: async () => text,
    exists: async () => true,
    stdout: (line: string) => void lines.push(line),
    stderr: (line: string) => void lines.push(line),
  };
  await check(["gateway.yaml"], io);
  await check(["gateway.yaml", "--json"], io);
  return lines.join("\n");
}

/** A working config with something at every place a secret could be put or slip into. */
const FULL = `
server: {listen: 0.0.0.0:8080, zone: eu, trusted_proxies: [10.0.0.0/8], access_log: json, limits: {headers: 10},
  tls: {cert_file: a, key_file: b}, log_level: info, drain: 5}
admin: {listen: 127.0.0.1:9090, token: t}
discovery:
  kubernetes:
    - id: prod
      service: {schema: https, host: a.example, port: 6443, ssl_verify: true, ca_file: ca}
      client: {token: t}
      namespace_selector: {match: [a]}
      label_selector: app=web
      mode: watch
      shared_size: 1m
      default_weight: 5
    - id: dev
      client: {kubeconfig: /k, context: c}
      namespaces: [a]
defaults:
  timeouts: {connect: 5}
  balancer: random
  request_headers: {set: {authorization: x}, remove: [y]}
routes:
  - id: a
    hosts: [a.example]
    path: {exact: /a}
    methods: [GET]
    headers: {x-a: b, x-b: {regex: c}}
    query: {q: {present: true}}
    rewrite_path: {regex: a, to: b}
    service: prod/a/b:c
    upstream_tls: {ca_file: x, server_name: y}
    pass_host: rewrite
    upstream_host: z.example
    balancer: {consistent_hash: {header: x-a}}
    retries: {on: [connect]}
    health: {active: {path: /h}}
    middleware: [{cors: {origin: a}}, {use: ./a.ts, options: {b: c}}]
  - {id: b, nodes: [{host: a, port: 1}]}
  - {id: c, services: [{service: prod/a/b, weight: 1}], cluster: prod, namespace: n, port_name: p}
  - {id: d, redirect: {scheme: https, host: a, path: /b}}
streams: [{listen: 5432, service: prod/db/pg}]
tracing: {otlp_endpoint: "http://c:4318", headers: {authorization: x}}
`;

type Path = (string | number)[];

/** Every place of a value, inner ones included. */
function placesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, item]) =>
    placesOf(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return [path, ...inner];
}

/** Puts something at a place: as the value, around the value, as a key in it, or as an item in it. */
function put(root: unknown, path: Path, change: (old: unknown) => unknown): unknown {
  if (path.length === 0) return change(root);
  const copy = structuredClone(root) as Record<string | number, unknown>;
  let holder = copy;
  for (const part of path.slice(0, -1)) holder = holder[part] as Record<string | number, unknown>;
  const last = path.at(-1)!;
  holder[last] = change(holder[last]);
  return copy;
}

const full: unknown = parse(FULL);
const anyPlace = fc.constantFrom(...placesOf(full));

/** As tokens and passwords are: long, with digits and letters, and characters YAML and we give a meaning to. */
const secret = fc
  .tuple(
    fc.constantFrom("s3cr3t-", "eyJhbGciOi.", "pa55: word ", "Bearer t0k ", "a/b/c:", "k3y=", "*", "h1://u:"),
    fc.stringMatching(/^[0-9a-f]{24}$/),
  )
  .map(([begin, rest]) => begin + rest);

const changes: readonly ((secret: string) => (old: unknown) => unknown)[] = [
  (text) => () => text,
  (text) => () => [text],
  (text) => () => ({ [text]: text }),
  (text) => (old) =>
    typeof old === "object" && old !== null && !Array.isArray(old) ? { ...old, [text]: 1 } : { old, text },
  (text) => (old) => (Array.isArray(old) ? [...old, text] : `${String(old)}${text}`),
  (text) => () => `\${${text}}`,
  (text) => () => ({ [`a${text}`]: null }),
];

describe("no secret is ever shown", () => {
  /** Its hexadecimal part is what must never appear, whatever stands around it. */
  const leaks = (shown: string, text: string): boolean => shown.includes(text.slice(-24));

  test("wherever it was put in a broken config", async () => {
    await fc.assert(
      fc.asyncProperty(anyPlace, secret, fc.constantFrom(...changes), async (place, text, change) => {
        const broken = put(full, place, change(text));
        assert(!leaks(await shownOf(stringify(broken), {}), text));
      }),
      { numRuns: 600 },
    );
  });

  test("when it comes from the environment", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyPlace,
        secret,
        fc.constantFrom("${S}", "x${S}", "${NO:-${S}}"),
        async (place, text, written) => {
          assert(!leaks(await shownOf(stringify(put(full, place, () => written)), { S: text }), text));
        },
      ),
      { numRuns: 250 },
    );
  });

  test("when the YAML itself is broken around it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: FULL.length }),
        secret,
        fc.constantFrom("", '"', "[", "\t", "!", "%", "&", "|", "\\"),
        async (at, text, mark) => {
          const broken = FULL.slice(0, at) + mark + text + FULL.slice(at);
          assert(!leaks(await shownOf(broken, {}), text));
        },
      ),
      { numRuns: 600 },
    );
  });

  test("in the effective config", () => {
    fc.assert(
      fc.property(secret, (text) => {
        const yaml = stringify({
          discovery: { kubernetes: { service: { host: "a", port: 1 }, client: { token: text } } },
          defaults: { request_headers: { set: { Authorization: text, "x-api-key": text } } },
          routes: [{ service: "a/b", headers: { Cookie: text } }],
        });
        const result = loadConfig({ format: FORMAT, file: "f", text: yaml, env: {}, pod: {} });
        assert(result.ok);
        const shown = JSON.stringify([
          result.config.discovery!.clusters.map(redactCluster),
          result.config.routes.map((route) => redactRoute(FORMAT, route)),
        ]);
        assert(!leaks(shown, text));
      }),
      { numRuns: 100 },
    );
  });
});

describe("nothing a file holds makes the loader throw", () => {
  const load = (text: string) => loadConfig({ format: FORMAT, file: "f", text, env: { A: "1" }, pod: {} });

  test("any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        const result = load(text);
        assert(result.ok || result.errors.length > 0);
      }),
      { numRuns: 1000 },
    );
  });

  test("any text made of what YAML gives a meaning to", () => {
    const pieces = [
      "a",
      ":",
      " ",
      "\n",
      "- ",
      "? ",
      "&x ",
      "*x",
      "<<: ",
      "{",
      "}",
      "[",
      "]",
      ",",
      "|",
      ">",
      "'",
      '"',
      "#",
      "!",
      "!!set ",
      "!!binary ",
      "%",
      "@",
      "`",
      "---\n",
      "...\n",
      "\t",
      "~",
      "null",
      "1",
      "true",
      "${A}",
      "${",
      "routes:\n",
      "  ",
      "kubernetes: ",
      "__proto__: ",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 40 }), (parts) => {
        const result = load(parts.join(""));
        assert(result.ok || result.errors.length > 0);
      }),
      { numRuns: 3000 },
    );
  });

  test("any value at any place", () => {
    fc.assert(
      fc.property(anyPlace, fc.jsonValue({ maxDepth: 3 }), (place, value) => {
        const result = load(JSON.stringify(put(full, place, () => value)));
        assert(result.ok || result.errors.length > 0);
      }),
      { numRuns: 700 },
    );
  });

  test("every fault has a place inside the file", () => {
    fc.assert(
      fc.property(anyPlace, fc.jsonValue({ maxDepth: 2 }), (place, value) => {
        const text = JSON.stringify(
          put(full, place, () => value),
          null,
          2,
        );
        const lines = text.split("\n");
        const result = load(text);
        for (const issue of [...(result.ok ? [] : result.errors), ...result.warnings]) {
          assert(issue.line >= 1 && issue.line <= lines.length);
          assert(issue.column >= 1 && issue.column <= lines[issue.line - 1]!.length + 1);
        }
      }),
      { numRuns: 500 },
    );
  });
});
