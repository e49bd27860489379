import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parse } from "yaml";
import { schema as command } from "../../src/cli/schema.ts";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { FORMAT } from "../../src/gateway/format.ts";
import { badConfigs } from "../fixtures/config/bad-configs.ts";
import { ajv, refusals } from "./schema-refusals.ts";
import { IN_POD, load } from "./support.ts";

const ROOT = `${import.meta.dir}/../..`;
const FILE = "schema/gateway.schema.json";

const read = (file: string): Promise<string> => Bun.file(`${ROOT}/${file}`).text();

/** Variables of the repository's configs: what they hold does not matter to the schema. */
const WORLD = {
  ...IN_POD,
  env: new Proxy<Record<string, string>>({ ...IN_POD.env }, { get: (env, name: string) => env[name] ?? "1" }),
};

test(`${FILE} is what the schema command prints; if this fails, run: bun run schema`, async () => {
  const lines: string[] = [];
  assertEquals(command([], { stdout: (line) => void lines.push(line), stderr: () => {} }), 0);
  assertEquals(
    `${lines.join("\n")}\n` === (await read(FILE)),
    true,
    `${FILE} is not current: run "bun run schema" and commit it`,
  );
});

test("the schema command takes no arguments", () => {
  const lines: string[] = [];
  assertEquals(command(["x"], { stdout: () => {}, stderr: (line) => void lines.push(line) }), 2);
  assertEquals(lines, ["podway schema: it takes no argument. Usage: podway schema"]);
});

test("it is draft-07, which editors know best, and every reference leads somewhere", () => {
  const schema = configJsonSchema(FORMAT);
  assertEquals(schema.$schema, "http://json-schema.org/draft-07/schema#");
  assert(ajv.validateSchema(schema), ajv.errorsText());
});

describe("it takes every config of this repository", () => {
  const files = ["*", "examples/**/*", "docs/**/*", "test/**/*"]
    .flatMap((where) => [...new Bun.Glob(`${where}.yaml`).scanSync(ROOT)])
    .filter((file) => /(?:^|\/)gateway(?:\.[a-z]+)?\.yaml$/.test(file));

  test("there are some", () => {
    assert(files.filter((file) => file.startsWith("examples/")).length >= 10);
  });

  for (const file of files.sort()) {
    test(file, async () => {
      assertEquals(refusals(await read(file)), []);
    });
  }

  const pages = ["*", "docs/**/*", "examples/**/*"].flatMap((where) => [...new Bun.Glob(`${where}.md`).scanSync(ROOT)]);
  for (const file of pages.sort()) {
    test(`what ${file} shows`, async () => {
      const blocks = (await read(file)).matchAll(/^```ya?ml\n(.*?)^```/gms);
      for (const [, text] of blocks) if (load(text!, WORLD).ok) assertEquals(refusals(text!), [], text);
    });
  }
});

describe("an environment variable may stand where the loader puts it in", () => {
  for (const yaml of [
    "server: {drain: '${DRAIN}', http2: '${HTTP2:-true}', listen: '${HOST}:${PORT}'}",
    "server: {workers: '${WORKERS:-1}', access_log: '${LOG:-json}', trusted_proxies: ['${PROXY:-10.0.0.0}/8']}",
    "admin: {listen: '127.0.0.1:${ADMIN_PORT:-9091}'}",
    "discovery: {kubernetes: {service: {schema: '${S:-https}', host: '${H:-a}', port: '${P:-1}'}, mode: '${MODE:-poll}'}}",
    "routes: [{path: '/${VERSION}', hosts: ['${HOST:-a}.example'], nodes: [{host: '${HOST:-a}', port: '${PORT}'}]}]",
    "routes: [{service: a/b, middleware: [{rate_limit: {limit: '${LIMIT:-5}'}}, {cors: {origin: '${ORIGIN:-x}'}}]}]",
  ]) {
    test(yaml, () => {
      const env = { ...IN_POD.env, DRAIN: "5", HOST: "0.0.0.0", PORT: "80", VERSION: "v1" };
      if (!yaml.includes("HOST:-a")) assertEquals(load(yaml, { ...IN_POD, env }).ok, true);
      assertEquals(refusals(yaml), []);
    });
  }

  test("a number is one variable or none", () => {
    assertEquals(refusals("server: {drain: '5${ZEROS}'}"), ["/server/drain"]);
    assertEquals(refusals("server: {drain: '$${DRAIN}'}"), ["/server/drain"]);
    assertEquals(refusals("routes: [{path: '$${V}', service: a/b}]")[0], "/routes/0/path");
  });
});

/** Wrong files, and the deepest place an editor marks; `check` refuses every one of them. */
const WRONG: readonly (readonly [yaml: string, place: string])[] = [
  ["rutes: []", "/rutes"],
  ["[]", ""],
  ["server: {listn: 1}", "/server/listn"],
  ["server: {listen: localhost}", "/server/listen"],
  ["server: {listen: 99999}", "/server/listen"],
  ["server: {listen: {host: a}}", "/server/listen"],
  ["server: {listen: {address: a, port: 1}}", "/server/listen/address"],
  ["server: {tls: {cert_file: a}}", "/server/tls"],
  ["server: {tls: []}", "/server/tls"],
  ["server: {drain: soon}", "/server/drain"],
  ["server: {drain: -1}", "/server/drain"],
  ["server: {drain: 3000000000}", "/server/drain"],
  ["server: {workers: 0}", "/server/workers"],
  ["server: {workers: many}", "/server/workers"],
  ["server: {via: 'yes'}", "/server/via"],
  ["server: {access_log: xml}", "/server/access_log"],
  ["server: {log_level: warning}", "/server/log_level"],
  ["server: {trusted_proxies: [proxy.example]}", "/server/trusted_proxies/0"],
  ["server: {limits: {url_bytes: 1.5}}", "/server/limits/url_bytes"],
  ["server: {zone: ''}", "/server/zone"],
  ["server: null", "/server"],
  ["server: {redirect_http: 80}", "/server"],
  ["admin: true", "/admin"],
  ["admin: {token: 5}", "/admin/token"],
  ["discovery: {kubernetes: auto}", "/discovery/kubernetes"],
  ["discovery: {kubernetes: []}", "/discovery/kubernetes"],
  ["discovery: {kubernetes: {mode: stream}}", "/discovery/kubernetes/mode"],
  ["discovery: {kubernetes: {shared_size: 64}}", "/discovery/kubernetes/shared_size"],
  ["discovery: {kubernetes: {poll_interval: 10}}", "/discovery/kubernetes/poll_interval"],
  ["discovery: {kubernetes: {watchEndpointSlices: true}}", "/discovery/kubernetes/watchEndpointSlices"],
  ["discovery: {kubernetes: {service: {host: 'https://a'}}}", "/discovery/kubernetes/service/host"],
  ["discovery: {kubernetes: {service: {port: 0}}}", "/discovery/kubernetes/service/port"],
  ["discovery: {kubernetes: {client: {token: a, token_file: b}}}", "/discovery/kubernetes/client/token_file"],
  ["discovery: {kubernetes: {client: {cert_file: a}}}", "/discovery/kubernetes/client"],
  ["discovery: {kubernetes: {client: {context: a}}}", "/discovery/kubernetes/client"],
  [
    "discovery: {kubernetes: {namespace_selector: {equal: a, match: [b]}}}",
    "/discovery/kubernetes/namespace_selector/match",
  ],
  ["discovery: {kubernetes: {namespace_selector: {equal: 'my-*'}}}", "/discovery/kubernetes/namespace_selector/equal"],
  ["discovery: {kubernetes: {namespaces: [a], namespace_selector: {equal: a}}}", "/discovery/kubernetes/namespaces"],
  ["discovery: {kubernetes: [{id: Prod, client: {kubeconfig: k}}]}", "/discovery/kubernetes/0/id"],
  ["discovery: {kubernetes: [{client: {kubeconfig: k}}]}", "/discovery/kubernetes/0"],
  ["routes: {a: 1}", "/routes"],
  ["routes: [hello]", "/routes/0"],
  ["routes: [{id: a}]", "/routes/0"],
  ["routes: [{service: a/b, nodes: [{host: a, port: 1}]}]", "/routes/0"],
  ["routes: [{path: v1, service: a/b}]", "/routes/0/path"],
  ["routes: [{path: '/v1?a=1', service: a/b}]", "/routes/0/path"],
  ["routes: [{path: '/v1/*', service: a/b}]", "/routes/0/path"],
  ["routes: [{path: {exact: /a, prefix: /b}, service: a/b}]", "/routes/0/path/exact"],
  ["routes: [{hosts: ['a.example:8080'], service: a/b}]", "/routes/0/hosts/0"],
  ["routes: [{hosts: ['a.*.example'], service: a/b}]", "/routes/0/hosts/0"],
  ["routes: [{methods: ['G T'], service: a/b}]", "/routes/0/methods/0"],
  ["routes: [{headers: {x-v: 2}, service: a/b}]", "/routes/0/headers/x-v"],
  ["routes: [{headers: {'x v': a}, service: a/b}]", "/routes/0/headers"],
  ["routes: [{strip_prefix: /a, rewrite_path: {replace: /b}, service: a/b}]", "/routes/0/rewrite_path"],
  ["routes: [{rewrite_path: {regex: a}, service: a/b}]", "/routes/0/rewrite_path"],
  ["routes: [{redirect: {status: 200, scheme: https}}]", "/routes/0/redirect/status"],
  ["routes: [{redirect: {status: 301}}]", "/routes/0/redirect"],
  ["routes: [{redirect: {scheme: https}, retries: {attempts: 3}}]", "/routes/0/retries"],
  ["routes: [{nodes: [{host: a, port: 1}], cluster: a}]", "/routes/0/cluster"],
  ["routes: [{nodes: []}]", "/routes/0/nodes"],
  ["routes: [{nodes: [{host: a, port: 0}]}]", "/routes/0/nodes/0/port"],
  ["routes: [{service: a/b, balancer: fastest}]", "/routes/0/balancer"],
  ["routes: [{service: a/b, balancer: {consistent_hash: {}}}]", "/routes/0/balancer/consistent_hash"],
  ["routes: [{service: a/b, retries: {on: [connect, 501]}}]", "/routes/0/retries/on/1"],
  ["routes: [{service: a/b, retries: {attempts: 11}}]", "/routes/0/retries/attempts"],
  ["routes: [{service: a/b, health: {active: {interval: 1000}}}]", "/routes/0/health/active"],
  ["routes: [{service: a/b, health: {passive: off}}]", "/routes/0/health/passive"],
  ["routes: [{service: a/b, request_headers: {set: {x-v: 2}}}]", "/routes/0/request_headers/set/x-v"],
  ["routes: [{service: a/b, upstream_tls: {key_file: k}}]", "/routes/0/upstream_tls"],
  ["routes: [{service: a/b, pass_host: always}]", "/routes/0/pass_host"],
  ["routes: [{service: a/b, upstream_host: 'http://a'}]", "/routes/0/upstream_host"],
  ["routes: [{service: a/b, middleware: [{corz: {}}]}]", "/routes/0/middleware/0/corz"],
  ["defaults: {middleware: [{cors: {}, etag: {}}]}", "/defaults/middleware/0"],
  ["defaults: {middleware: [{compress: {level: 9}}]}", "/defaults/middleware/0/compress/level"],
  ["defaults: {middleware: [{cors: {credentials: true}}]}", "/defaults/middleware/0/cors"],
  ["defaults: {middleware: [{jwt: {secret: s3cr3t}}]}", "/defaults/middleware/0/jwt"],
  ["defaults: {middleware: [{basic_auth: {username: a}}]}", "/defaults/middleware/0/basic_auth"],
  ["defaults: {middleware: [{jwk: {alg: [RS256]}}]}", "/defaults/middleware/0/jwk"],
  ["defaults: {middleware: [{ip_restriction: {}}]}", "/defaults/middleware/0/ip_restriction"],
  ["defaults: {middleware: [{cors: {}, options: {}}]}", "/defaults/middleware/0"],
  ["defaults: {service: a/b}", "/defaults/service"],
  ["tracing: {otlp_endpoint: collector}", "/tracing/otlp_endpoint"],
  ["streams: [{listen: 5432}]", "/streams/0"],
];

describe("it refuses what check refuses", () => {
  for (const [yaml, place] of WRONG) {
    test(yaml, () => {
      assertEquals(load(yaml, IN_POD).ok, false);
      assert(refusals(yaml).includes(place), `marked: ${refusals(yaml).join(" ")}`);
    });
  }

  test("at least thirty of them", () => {
    assert(WRONG.length >= 30);
  });

  test("most of what the table of bad configs holds, the rest being beyond a schema", () => {
    const known = badConfigs.filter(({ yaml }) => load(yaml).ok === false && refusals(yaml).length > 0);
    assert(known.length >= 60, `${known.length} of ${badConfigs.length}`);
  });
});

/** A config with something of every part, to be broken at random. */
const FULL = parse(`
server: {listen: 0.0.0.0:8080, zone: eu, trusted_proxies: [10.0.0.0/8], access_log: json, limits: {headers: 10}, drain: 5}
admin: {listen: 127.0.0.1:9090, token: t}
discovery:
  kubernetes:
    - {id: prod, service: {host: a.example, port: 6443}, client: {token: t}, label_selector: app=web, shared_size: 1m}
    - {id: dev, client: {kubeconfig: /k, context: c}, namespaces: [a], mode: poll}
defaults: {timeouts: {connect: 5}, balancer: random, request_headers: {set: {x-a: x}, remove: [y]}}
routes:
  - {id: a, hosts: [a.example], path: {exact: /a}, methods: [GET], headers: {x-b: {regex: c}}, query: {q: {present: true}},
     rewrite_path: {regex: a, to: b}, service: prod/a/b:c, upstream_tls: {ca_file: x}, pass_host: rewrite,
     upstream_host: z.example, balancer: {consistent_hash: {header: x-a}}, retries: {on: [connect, 502]},
     health: {passive: false, active: {path: /h}}, middleware: [{cors: {origin: a}}, {use: ./a.ts, options: {b: c}}]}
  - {id: b, path: /b, strip_prefix: /b, nodes: [{host: "::1", port: 1}]}
  - {id: c, services: [{service: prod/a/b, weight: 1}], namespace: n, port_name: p, balancer: {sticky_cookie: {name: s}}}
  - {id: d, redirect: {scheme: https, host: a, path: {replace_prefix: /b}}}
`);

const ODD: readonly unknown[] = [
  ...[
    "",
    "a",
    "/",
    "/a",
    "/a/*",
    "/*",
    "a.b",
    "*.a",
    "[::1]",
    "::1",
    "::1/64",
    "10.0.0.1",
    "10.0.0.0/8",
    "a:80",
    "[::1]:80",
  ],
  ...[
    "A_b",
    "GET",
    "auto",
    "json",
    "random",
    "64m",
    "http://a.example:1/x?y",
    "80",
    "0.0.0.0:80",
    ":80",
    "[::]:8080",
    "true",
  ],
  ...[
    0,
    1,
    -1,
    1.5,
    80,
    70_000,
    301,
    true,
    false,
    null,
    [],
    {},
    ["a"],
    [1],
    { a: "b" },
    { exact: "/x" },
    { header: "x" },
  ],
];

/** Every place of a value, inner ones included. */
function placesIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, item]) =>
    placesIn(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return [path, ...inner];
}

test("it refuses nothing that check takes", () => {
  const places = placesIn(FULL).filter((path) => path.length > 0);
  let taken = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...places), fc.option(fc.constantFrom(...ODD))), {
        minLength: 1,
        maxLength: 2,
      }),
      (changes) => {
        const made = structuredClone(FULL);
        for (const [path, value] of changes) {
          const holder = path.slice(0, -1).reduce((inner, part) => inner?.[part], made);
          if (typeof holder !== "object" || holder === null) continue;
          if (value === null) delete holder[path.at(-1)!];
          else holder[path.at(-1)!] = value;
        }
        // A hole that deleting left in a list is no value that a file could hold.
        const text = JSON.stringify(made);
        if (!load(text, IN_POD).ok) return;
        taken++;
        assertEquals(refusals(text), [], text);
      },
    ),
    { numRuns: 400 },
  );
  assert(taken > 40, `${taken} were taken`);
});
