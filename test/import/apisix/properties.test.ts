import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { type Path, showPath } from "../../../src/config/issues.ts";
import { apisix } from "../../../src/import/apisix/apisix.ts";
import { runImporter } from "../../../src/import/run-importer.ts";
import { CASES } from "./cases.ts";
import { fixtureFiles, fixtureNames, imported } from "./support.ts";

interface Leaf {
  readonly path: Path;
  readonly value: unknown;
}

function leavesOf(value: unknown, path: Path = []): Leaf[] {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) return [{ path, value }];
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, child]) => leavesOf(child, [...path, key]));
}

const covers = (told: string, path: string): boolean =>
  path === told || (path.startsWith(told) && /^[.[]/.test(path.slice(told.length)));

/** The same value with another leaf. */
function changed(value: unknown, [key, ...rest]: Path, leaf: unknown): unknown {
  if (key === undefined) return leaf;
  if (Array.isArray(value)) return value.map((item, index) => (index === key ? changed(item, rest, leaf) : item));
  const mapping = value as Record<string, unknown>;
  return { ...mapping, [key]: changed(mapping[key], rest, leaf) };
}

/** Others of the same kind, of which at least one should mean something else. */
function others(leaf: unknown): unknown[] {
  if (typeof leaf === "number") return [leaf + 1, leaf + 100, 0];
  if (typeof leaf === "boolean") return [!leaf];
  return typeof leaf === "string" ? [`${leaf}x`, "/other", "GET"] : ["x"];
}

describe("nothing of a configuration is dropped without a word", () => {
  for (const name of Object.keys(CASES)) {
    test(`${name}: every leaf is told, or makes a difference`, async () => {
      const files = await fixtureFiles(name);
      const whole = imported(files);
      const result = (contents: readonly string[]): string => {
        const made = runImporter(
          apisix,
          files.map((file, i) => ({ ...file, content: contents[i]! })),
        );
        // Lines move when a file is written anew.
        return made.ok ? JSON.stringify([made.gateway, made.leftovers, made.notes]) : JSON.stringify(made);
      };
      const roots = files.map(({ content }) => parse(content) as unknown);
      const before = result(roots.map((root) => stringify(root)));
      for (const [index, root] of roots.entries()) {
        const told = [...whole.leftovers, ...whole.notes].filter(({ file }) => file === files[index]!.name);
        for (const { path, value } of leavesOf(root)) {
          const shown = showPath(path);
          if (told.some((issue) => covers(issue.path, shown))) continue;
          const makesADifference = others(value).some((other) => {
            const mutated = changed(root, path, other);
            return result(roots.map((one, i) => stringify(i === index ? mutated : one))) !== before;
          });
          assert(makesADifference, `${files[index]!.name}: ${shown} is neither told nor does it change anything`);
        }
      }
    });
  }
});

describe("whatever it reads", () => {
  const KEYS = [
    ..."routes services upstreams plugin_configs global_rules consumers ssls stream_routes apisix discovery kubernetes deployment nginx_config http".split(
      " ",
    ),
    ..."id uri uris host hosts methods vars priority status upstream upstream_id service_id plugin_config_id nodes type key hash_on".split(
      " ",
    ),
    ..."scheme pass_host upstream_host timeout connect send read retries checks active passive plugins limit-count limit-req limit-conn".split(
      " ",
    ),
    ..."key-auth basic-auth jwt-auth traffic-split rules match weighted_upstreams weight proxy-rewrite regex_uri headers set add remove".split(
      " ",
    ),
    ..."redirect ret_code cors ip-restriction whitelist blacklist _meta disable service node_listen port ssl listen 127.0.0.1:80".split(
      " ",
    ),
    ..."username password count time_window rate burst conn name desc labels remote_addrs server_port service_name discovery_type real_ip_from".split(
      " ",
    ),
  ];
  const scalar = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      false,
      0,
      1,
      -1,
      0.5,
      80,
      65_536,
      1e20,
      "",
      "/",
      "/*",
      "/a/*",
      "*",
      "a",
      "$uri",
      "${{A}}",
      "${A}",
      "((",
      "^/(a)$",
    ),
    fc.constantFrom(
      "GET",
      "==",
      "~~",
      "in",
      "http_x",
      "arg_a",
      "uri",
      "OR",
      "chash",
      "kubernetes",
      "default/a:http",
      "http",
      "0.0.0.0/0",
      "-",
      "\n",
      "é",
    ),
    fc.string(),
  );
  const value = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      scalar,
      fc.array(tie("node"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...KEYS), tie("node"), { maxKeys: 5 }),
    ),
  })).node;
  const list = fc.array(fc.dictionary(fc.constantFrom(...KEYS), value, { maxKeys: 6 }), { maxLength: 3 });
  const file = fc.oneof(
    fc.record(
      { routes: list, upstreams: list, services: list, consumers: list, global_rules: list, plugin_configs: list },
      { requiredKeys: ["routes"] },
    ),
    fc.dictionary(fc.constantFrom(...KEYS), value, { maxKeys: 6 }),
    value,
  );

  const holds = (content: string): void => {
    const made = runImporter(apisix, [{ name: "a.yaml", content }]);
    if (made.ok) assertEquals(made.faults, [], made.gateway);
    else assert(made.issues.length > 0);
  };

  test("it does not fail, and what it prints is accepted", () => {
    fc.assert(
      fc.property(file, (root) => holds(JSON.stringify(root))),
      { numRuns: 150 },
    );
  });

  test("it does not fail on texts that are no YAML, or odd ones", () => {
    const texts = [
      "",
      "#END",
      "a",
      "[]",
      "- a",
      "routes",
      "routes:",
      "routes: [",
      "a: &x [*x]",
      "routes: !!set {a}",
      "? [a]\n: b",
      "routes: [*no]",
      "\u0000",
      "%",
    ];
    for (const text of texts) holds(text);
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => holds(`routes: ${text}`)),
      { numRuns: 100 },
    );
  });

  test("it takes fixtures with parts of them replaced by anything", async () => {
    const roots = await Promise.all(
      (await fixtureNames()).map(async (name) =>
        (await fixtureFiles(name)).map(({ content }) => parse(content) as unknown),
      ),
    );
    const all = roots.flat();
    const place = fc.nat({ max: all.length - 1 }).chain((index) => {
      const leaves = leavesOf(all[index]);
      return fc.tuple(fc.constant(index), fc.constantFrom(...leaves), fc.nat({ max: 4 }), value);
    });
    fc.assert(
      fc.property(place, ([index, { path }, up, other]) => {
        holds(JSON.stringify(changed(all[index], path.slice(0, Math.max(1, path.length - up)), other)));
      }),
      { numRuns: 150 },
    );
  });
});
