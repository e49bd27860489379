import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { importConfig } from "../../src/cli/import.ts";

/** Runs the command with these files on the machine. */
async function run(argv: readonly string[], files: Readonly<Record<string, string>> = {}) {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const code = await importConfig(argv, {
    exists: async (path) => path in files,
    readText: async (path) => files[path] ?? Promise.reject(new Error("it is a folder")),
    stdout: (line) => void stdout.push(line),
    stderr: (line) => void stderr.push(line),
  });
  return { code, stdout, stderr };
}

describe("import", () => {
  test("wants a format it knows and the files it takes", async () => {
    for (const argv of [[], ["kong", "a"], ["apisix"], ["apisix", "a", "--nothing"]]) {
      const { code, stdout, stderr } = await run(argv, { a: "{}", b: "{}" });
      assertEquals([code, stdout, stderr.length], [2, [], 1]);
      assert(stderr[0]!.includes("Usage: podway import "), stderr[0]);
    }
    assertEquals((await run(["apisix", "a", "--use-host"], { a: "{}" })).stderr, [
      "podway import: --use-host means nothing to APISIX's format. Usage: podway import apisix FILE...",
    ]);
  });

  test("names what stands where the format should", async () => {
    const [said] = (await run(["nginx", "a"], { a: "{}" })).stderr;
    assert(said?.startsWith("podway import: name the format first: one of apisix, ocelot, and nginx is none"), said);
  });

  test("exits 2 for a file that is not there, and for one that is no YAML", async () => {
    assertEquals(await run(["apisix", "a.yaml"]), {
      code: 2,
      stdout: [],
      stderr: ["podway import: there is no file a.yaml"],
    });
    const { code, stdout, stderr } = await run(["apisix", "a.yaml"], { "a.yaml": "routes:\n  - uri: '/a\n" });
    assertEquals([code, stdout], [2, []]);
    assert(stderr[0]!.startsWith("a.yaml:3:1: not valid YAML"), stderr[0]);
  });

  test("exits 1 and names what is not carried over, at its place", async () => {
    const { code, stderr } = await run(["apisix", "a.yaml"], { "a.yaml": "deployment:\n  certs: [a]\n" });
    assertEquals(
      [code, stderr],
      [1, ["a.yaml:1:1: deployment: not carried over: the gateway has nothing like it", "0 routes"]],
    );
  });

  test("tells of access first, of trifles last, and counts the routes at the end", async () => {
    const upstream = "upstream: { type: roundrobin, nodes: { '127.0.0.1:80': 1 } }";
    const { code, stderr } = await run(["apisix", "config.yaml", "apisix.yaml"], {
      "config.yaml": "apisix: { enable_admin: true, node_listen: [9080, 9081] }\n",
      "apisix.yaml": [
        "routes:",
        `  - { id: a, uri: /a, plugins: { cors: {}, http-logger: {} }, ${upstream} }`,
        `  - { id: b, uri: /b, plugins: { opa: {} }, ${upstream} }`,
        `  - { id: c, uri: /c, filter_func: "function() end", ${upstream} }`,
        "  - { id: d, uri: /d, host: '${{DOMAIN}}', upstream: { type: ewma, nodes: { '127.0.0.1:80': 1 } } }",
      ].join("\n"),
    });
    assertEquals(
      [code, stderr.map((one) => one.split(": ").slice(1, 2).join())],
      [
        1,
        [
          "routes[1].plugins.opa",
          "routes[2]",
          "apisix.node_listen[1]",
          "routes[0].plugins.http-logger",
          "the file",
          "routes[3].upstream.type",
          "apisix.enable_admin",
          "DOMAIN",
          "",
        ],
      ],
      stderr.join("\n"),
    );
    assertEquals(stderr.at(-1), "4 routes, 1 left out, 1 shut");
  });

  test("puts everything into one object with --json", async () => {
    const { code, stdout } = await run(["apisix", "a.yaml", "--json"], { "a.yaml": "plugin_attr: 1\n" });
    const { gateway, not_carried_over } = JSON.parse(stdout[0]!);
    assertEquals([code, stdout.length, typeof gateway], [1, 1, "string"]);
    assertEquals(not_carried_over, [
      {
        file: "a.yaml",
        line: 1,
        column: 1,
        path: "plugin_attr",
        message: "the gateway has nothing like it",
        rank: "difference",
      },
    ]);
    const bad = await run(["apisix", "b.yaml", "--json"]);
    assertEquals([bad.code, JSON.parse(bad.stdout[0]!).error], [2, "there is no file b.yaml"]);
  });
});
