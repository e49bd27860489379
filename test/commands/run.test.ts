import { describe, test } from "bun:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import packageJson from "../../package.json" with { type: "json" };
import { COMMANDS } from "../../src/commands/run.ts";
import { world } from "../gateway/support.ts";
import { runCommand } from "../helpers/gateway-process.ts";

describe("the command line", () => {
  test("--help names every command and the exit codes, whatever stands beside it", async () => {
    for (const argv of [["--help"], ["-h"], ["nodes", "--help"], ["check", "-h"]]) {
      const { run, stdout, stderr } = world();
      assertEquals(await run(...argv), 0);
      const help = stdout.join("\n");
      for (const name of [...COMMANDS, "--config", "--demo", "--json", "--version", "Exit codes"]) {
        assertStringIncludes(help, name);
      }
      assertEquals(stderr, []);
    }
  });

  test("--version prints the version and nothing else", async () => {
    const { run, stdout } = world();
    assertEquals(await run("--version"), 0);
    assertEquals(stdout, [packageJson.version]);
  });

  test("an unknown command or option is exit code 2, in words on stderr (users-ask 33)", async () => {
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
});
