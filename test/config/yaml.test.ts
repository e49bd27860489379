import { describe, test } from "bun:test";
import { assertEquals, assertMatch } from "@std/assert";
import { cluster, config, errors, IN_POD } from "./support.ts";

const zone = (written: string, env: Record<string, string> = {}): string | undefined =>
  config(`server:\n  zone: ${written}\n`, { env }).server.zone;

describe("environment variables", () => {
  test("stand anywhere in a text, in quotes and blocks too", () => {
    const env = { A: "x", B: "y" };
    assertEquals(zone("${A}", env), "x");
    assertEquals(zone("pre-${A}-${B}", env), "pre-x-y");
    assertEquals(zone('"${A}"', env), "x");
    assertEquals(zone("'${A}'", env), "x");
    assertEquals(zone("|-\n    ${A}", env), "x");
  });

  test("have defaults for the unset and the empty, as in a shell", () => {
    assertEquals(zone("${A:-eu}"), "eu");
    assertEquals(zone("${A:-eu}", { A: "" }), "eu");
    assertEquals(zone("${A:-eu}", { A: "us" }), "us");
    assertEquals(zone("x${A:-}"), "x");
  });

  test("are not read from names that only begin alike", () => {
    assertEquals(errors("server:\n  zone: ${ZONE}\n", { env: { ZONES: "a", MY_ZONE: "b" } }).length, 1);
    assertEquals(errors("server:\n  zone: ${toString}\n").length, 1);
  });

  test("are not put in where $${ escapes them, nor twice", () => {
    assertEquals(zone("$${A}", { A: "x" }), "${A}");
    assertEquals(zone("${A}", { A: "${B}", B: "no" }), "${B}");
    assertEquals(zone("$A $1 $", { A: "x" }), "$A $1 $");
  });

  test("become numbers and booleans where the key needs one, and stay texts elsewhere", () => {
    const env = { ...IN_POD.env, W: "7", S: "true", P: "6443", T: "123", M: "poll", L: "9000" };
    const made = cluster(
      "\n    default_weight: ${W}\n    watch_endpoint_slices: ${S}\n    mode: ${M}\n    service: {port: '${P}'}\n    client: {token: '${T}'}",
      { env },
    );
    assertEquals(made.default_weight, 7);
    assertEquals(made.watch_endpoint_slices, true);
    assertEquals(made.mode, "poll");
    assertEquals(made.service?.port, 6443);
    assertEquals(made.client.token, "123");
    assertEquals(config("server:\n  listen: ${L}\n", { env }).server.listen.port, 9000);
    assertEquals(config("server:\n  access_log: ${F}\n", { env: { F: "false" } }).server.access_log, false);
    assertEquals(
      config("routes:\n  - service: a\n    retries: {on: ['${C}']}\n", { env: { C: "502" } }).routes[0]?.retries.on,
      [502],
    );
  });

  test("a part of a number is no number", () => {
    assertEquals(errors("server:\n  drain: 1${Z}\n", { env: { Z: "00" } }).length, 1);
  });

  test("are not put into keys", () => {
    assertEquals(config("routes:\n  - service: a\n    query: {'${A}': x}\n", { env: { A: "q" } }).routes[0]?.query, {
      "${A}": "x",
    });
  });
});

describe("the file's own form", () => {
  test("JSON is YAML, indented with tabs too", () => {
    assertEquals(config('{\n\t"server": {\n\t\t"zone": "eu"\n\t}\n}\n').server.zone, "eu");
  });

  test("a byte order mark and Windows line ends change nothing", () => {
    assertEquals(config("\uFEFFserver:\r\n  zone: eu\r\n").server.zone, "eu");
    assertEquals(errors("\uFEFFserver:\r\n  drain: x\r\n"), errors("server:\n  drain: x\n"));
    assertEquals(errors("\uFEFFzone: 1")[0]?.slice(0, 4), "1:1:");
  });

  test("anchors, aliases and merge keys work, and a fault in one is told at its own place", () => {
    const text = [
      "defaults:",
      "  timeouts: &slow {connect: 5000, response: 60000}",
      "routes:",
      "  - service: a",
      "    timeouts: *slow",
      "  - service: b",
      "    timeouts: {<<: *slow, response: 1}",
      "  - service: c",
      "    timeouts: {<<: [{connect: 3}, *slow], idle: 2}",
    ];
    assertEquals(
      config(text.join("\n")).routes.map(({ timeouts }) => timeouts),
      [
        { connect: 5000, try: 0, response: 60_000, idle: 0 },
        { connect: 5000, try: 0, response: 1, idle: 0 },
        { connect: 3, try: 0, response: 60_000, idle: 2 },
      ],
    );
    const broken = text.join("\n").replace("connect: 5000", "connect: -1");
    assertEquals(
      errors(broken).map((line) => line.split(" ")[0]),
      ["2:29:", "2:29:", "2:29:"],
    );
  });

  test("a file of aliases that multiply is refused at once", () => {
    const levels = Array.from({ length: 12 }, (_, i) => {
      const items = Array(10).fill(i === 0 ? "x" : `*l${i - 1}`);
      return `l${i}: &l${i} [${items.join(", ")}]`;
    });
    assertMatch(errors(levels.join("\n"))[0]!, /^1:1: this file's aliases repeat more than \d+ values/);
  });

  const nested: [string, string, string][] = [
    ["lists", "[".repeat(100_000), "1:101"],
    ["mappings", "{a: ".repeat(100_000), "1:401"],
    ["lists in block style", `a:\n  ${"- ".repeat(100_000)}b`, "2:203"],
    ["keys", "? ".repeat(100_000), "1:201"],
    ["JSON", `{"routes":\n${"[".repeat(100_000)}${"]".repeat(100_000)}}`, "2:100"],
  ];
  for (const [what, text, where] of nested) {
    test(`a file of ${what} nested without end is refused where it becomes too deep, before it is parsed`, () => {
      assertMatch(errors(text)[0]!, new RegExp(`^${where}: .*nested too deeply`));
    });
  }

  test("a file may be nested a hundred deep, and not one more", () => {
    const nested = (depth: number): boolean =>
      errors(`${"[".repeat(depth)}${"]".repeat(depth)}`).some((error) => error.includes("nested too deeply"));
    assertEquals([nested(100), nested(101)], [false, true]);
  });

  test("brackets within texts and comments, and many lines of lists, are no nesting", () => {
    const text = `# ${"[".repeat(500)}\nroutes:\n${"  - { path: { regex: '^/x[[(-]' }, service: a }\n".repeat(200)}# ${"- ".repeat(500)}`;
    assertEquals(
      errors(text).filter((error) => error.includes("nested")),
      [],
    );
  });

  test("a file nested without end is refused", () => {
    assertMatch(errors("[".repeat(50_000))[0]!, /not valid YAML: the file is nested too deeply/);
    assertEquals(errors("- ".repeat(20_000)).length > 0, true);
  });

  test("one slip does not bury the writer in errors", () => {
    assertEquals(errors(`routes: ${"[".repeat(500)}\n`).length <= 20, true);
  });
});
