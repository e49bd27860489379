import { describe, test } from "bun:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { check } from "../../src/cli/check.ts";

/** Runs the command with these files on the machine. */
async function run(argv: readonly string[], files: Readonly<Record<string, string>>, env: Record<string, string> = {}) {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const code = await check(argv, {
    env,
    pod: {},
    exists: async (path) => path in files,
    readText: async (path) => files[path] ?? Promise.reject(new Error(`${path}: no such file`)),
    stdout: (line) => void stdout.push(line),
    stderr: (line) => void stderr.push(line),
  });
  return { code, stdout, stderr };
}

const ONE = "discovery: {kubernetes: {service: {host: a, port: 1}, client: {token: t}}}\nroutes: [{service: a/b}]\n";

describe("check", () => {
  test("says of a valid file what is in it, and exits 0", async () => {
    assertEquals(await run(["my.yaml"], { "my.yaml": ONE }), {
      code: 0,
      stdout: ["my.yaml is valid: 1 route, 1 cluster"],
      stderr: [],
    });
    const { stdout } = await run(["my.yaml"], { "my.yaml": "routes: []\n" });
    assertEquals(stdout, ["my.yaml is valid: 0 routes, 0 clusters"]);
  });

  test("warns of a file without routes, and refuses an empty one", async () => {
    for (const text of ["routes: []\n", "server: {}\n"]) {
      const { code, stderr } = await run([], { "./gateway.yaml": text });
      assertEquals([code, stderr.length], [0, 1]);
      assertMatch(stderr[0]!, /^gateway\.yaml:1:1: the file has no routes: .* 404 no_route \(warning\)$/);
    }
    assertEquals(
      (await run([], { "./gateway.yaml": "streams: [{ listen: 1, nodes: [{ host: a, port: 1 }] }]\n" })).stderr,
      [],
    );
    for (const text of ["", "# routes: []\n"]) {
      const { code, stderr } = await run([], { "./gateway.yaml": text });
      assertEquals([code, stderr.length], [2, 1]);
      assertMatch(stderr[0]!, /^gateway\.yaml:1:1: the file is empty/);
    }
  });

  test("reads ./gateway.yaml unless a file is named", async () => {
    const { code, stdout } = await run([], { "./gateway.yaml": ONE });
    assertEquals([code, stdout[0]], [0, "gateway.yaml is valid: 1 route, 1 cluster"]);
    assertEquals((await run(["--config", "b.yaml"], { "b.yaml": ONE })).code, 0);
  });

  test("prints every error on a line of its own and exits 2", async () => {
    const text = "server: {drian: 1}\nroutes: [{service: a/b, retries: {attempts: 0}}]\n";
    assertEquals(await run([], { "./gateway.yaml": text }), {
      code: 2,
      stdout: [],
      stderr: [
        "gateway.yaml:1:10: server.drian is not a known key; did you mean drain?",
        "gateway.yaml:2:45: routes[0].retries.attempts must be a whole number from 1 to 10, found the number 0",
        "gateway.yaml:2:11: routes[0].service names a service, and there is no discovery.kubernetes: discovery is off and requests get a 503 (warning)",
      ],
    });
  });

  test("warns and still exits 0", async () => {
    const { code, stderr } = await run([], { "./gateway.yaml": ONE.replace("port: 1", "port: 1, ssl_verify: false") });
    assertEquals([code, stderr.length], [0, 1]);
    assert(stderr[0]!.endsWith("(warning)"));
  });

  test("warns of files the config names that are not there, each at its key", async () => {
    const text = [
      "server: {tls: {cert_file: tls.crt, key_file: tls.key}}",
      "discovery:",
      "  kubernetes:",
      "    - id: a",
      "      service: {host: a, port: 1, ca_file: /ca}",
      "      client: {token_file: /token}",
      "routes: [{service: a/b/c}]",
    ].join("\n");
    const { code, stderr } = await run([], { "./gateway.yaml": text, "/token": "", "tls.key": "" });
    assertEquals(code, 0);
    assertEquals(stderr, [
      "gateway.yaml:5:35: discovery.kubernetes[0].service.ca_file names a file that is not on this machine (warning)",
      "gateway.yaml:1:16: server.tls.cert_file names a file that is not on this machine (warning)",
    ]);
  });

  test("--json prints one object and nothing else", async () => {
    const bad = await run(["--json"], { "./gateway.yaml": "zone: 1\n" });
    assertEquals([bad.code, bad.stderr, bad.stdout.length], [2, [], 1]);
    assertEquals(JSON.parse(bad.stdout[0]!), {
      valid: false,
      errors: [
        {
          file: "gateway.yaml",
          line: 1,
          column: 1,
          path: "zone",
          message: "zone is not a known key; there are server, admin, discovery, defaults, routes, streams, tracing",
        },
      ],
      warnings: [],
    });
    const good = await run(["--json"], { "./gateway.yaml": ONE });
    assertEquals(JSON.parse(good.stdout[0]!), { valid: true, errors: [], warnings: [] });
  });

  test("says so when there is no file, or it cannot be read", async () => {
    const none = await run(["other.yaml"], {});
    assertEquals([none.code, none.stderr], [2, ["podway check: there is no file other.yaml"]]);
    const folder = await check(["d"], {
      env: {},
      pod: {},
      exists: async () => true,
      readText: async () => Promise.reject(new Error("cannot read d: it is a directory")),
      stdout: () => {},
      stderr: (line) => assertEquals(line, "podway check: cannot read d: it is a directory"),
    });
    assertEquals(folder, 2);
    const script = { npm_lifecycle_event: "gateway" };
    assertEquals((await run([], {}, script)).stderr, [
      "podway check: there is no file gateway.yaml: name another file, or let `bun run gateway init` write one",
    ]);
    const json = await run(["--json"], {});
    assertEquals([json.code, JSON.parse(json.stdout[0]!).valid], [2, false]);
  });

  test("refuses --live, unknown options and a second file", async () => {
    for (const argv of [["--live"], ["--nope"], ["a", "b"]]) {
      const { code, stdout, stderr } = await run(argv, { "./gateway.yaml": ONE });
      assertEquals([code, stdout, stderr.length], [2, [], 1]);
    }
    const { stderr } = await run(["--live"], {});
    assertEquals(stderr, ["podway check: --live is not available here: there is no way to clusters"]);
  });
});
