import { describe, test } from "bun:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import packageJson from "../../package.json" with { type: "json" };
import { COMMANDS } from "../../src/cli/commands.ts";
import { world } from "../gateway/support.ts";
import { PROGRAM, runCommand } from "../helpers/gateway-process.ts";

describe("the command line", () => {
  test("--help and help name every command and the exit codes", async () => {
    for (const argv of [["--help"], ["-h"], ["help"], ["--demo", "--help"]]) {
      const { run, stdout, stderr } = world();
      assertEquals(await run(...argv), 0);
      const help = stdout.join("\n");
      for (const name of [
        ...COMMANDS.map((command) => command.name),
        "--config",
        "--json",
        "--version",
        "Exit codes",
      ]) {
        assertStringIncludes(help, name);
      }
      assertEquals(stderr, []);
    }
  });

  test.each(COMMANDS.map((command) => [command.name, command] as const))(
    "%s --help is a page of its own, with every option that it takes",
    async (name, { options, usage }) => {
      for (const argv of [
        [name, "--help"],
        ["help", name],
        [name, "-h", "more"],
      ]) {
        const { run, stdout, stderr } = world();
        assertEquals([await run(...argv), stderr], [0, []]);
        for (const line of usage) assertStringIncludes(stdout[0]!, `podway ${line}`);
        for (const option of options) assertStringIncludes(stdout[0]!, `--${option.name}`);
        assert(
          stdout[0]!.split("\n").every((line) => line.length <= 110),
          stdout[0],
        );
      }
    },
  );

  test("a config without --config, and a command that is none, say what to write", async () => {
    for (const [argv, words] of [
      [["gateway.yaml"], /a config is named with --config gateway\.yaml/],
      [["gateway", "gateway.yaml"], /a config is named with --config gateway\.yaml/],
      [["./other"], /--config \.\/other/],
      [["serve"], /no command serve.*see podway --help/],
      [["help", "serve"], /no command serve/],
    ] as const) {
      const { run, stderr } = world();
      assertEquals(await run(...argv), 2);
      assertMatch(stderr.join("\n"), words);
    }
  });

  test("--version prints the version and nothing else", async () => {
    const { run, stdout } = world();
    assertEquals(await run("--version"), 0);
    assertEquals(stdout, [packageJson.version]);
  });

  test("an unknown command or option is exit code 2, in words on stderr", async () => {
    for (const [argv, words] of [
      [["serve-me"], /no command serve-me.*check, nodes/],
      [["--nope"], /--nope/],
      [["nodes", "a/b", "--nope"], /--nope/],
      [["check", "--nope"], /--nope/],
      [["--config"], /--config/],
      [["--demo", "--config", "x.yaml"], /exclude each other/],
    ] as const) {
      const { run, stdout, stderr } = world();
      assertEquals(await run(...argv), 2, argv.join(" "));
      assertMatch(stderr.join("\n"), words);
      assertEquals(stdout, []);
    }
  });

  test("is the same from a shell: the exit code is the process's own", async () => {
    const [help, wrong] = await Promise.all([runCommand(["--help"]), runCommand(["--wrong"])]);
    assertEquals([help.code, wrong.code], [0, 2]);
    assert(help.stdout.startsWith(`podway ${packageJson.version}`));
    assertEquals([help.stderr, wrong.stdout], ["", ""]);
  });

  test("a reader that has seen enough ends no command with an error", async () => {
    const shell = 'set -o pipefail; "$@" | head -1';
    const child = Bun.spawn(["bash", "-c", shell, "sh", ...PROGRAM, "schema"], { stdout: "pipe", stderr: "pipe" });
    const [said, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    assertEquals([said, errors, await child.exited], ["{\n", "", 0]);
  });
});
