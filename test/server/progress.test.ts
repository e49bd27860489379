import { describe, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ClusterStatus } from "../../src/discovery/views.ts";
import { createProgress, type ProgressOptions } from "../../src/server/progress.ts";
import { syncLine } from "../../src/server/sync-progress.ts";
import { oneCluster, slice } from "../gateway/objects.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { MAIN } from "../helpers/gateway-process.ts";

/** A line of progress whose screen and clock are a test's. */
function progressOn(options: Partial<ProgressOptions> = {}) {
  let time = 0;
  const written: string[] = [];
  const progress = createProgress({
    terminal: true,
    env: {},
    write: (text) => void written.push(text),
    now: () => time,
    ...options,
  });
  return {
    progress,
    written,
    wait(ms: number) {
      time += ms;
    },
  };
}

describe("a line of progress", () => {
  test("is written over, and gone at the end", () => {
    const { progress, written, wait } = progressOn();
    wait(1000);
    progress.show("one of two");
    wait(100);
    progress.show("two of two");
    progress.end();
    wait(1000);
    progress.show("too late");
    assertEquals(written, ["one of two", "\r\x1b[2K", "two of two", "\r\x1b[2K"]);
  });

  test("does without escape sequences under NO_COLOR", () => {
    const { progress, written, wait } = progressOn({ env: { NO_COLOR: "1" } });
    wait(1000);
    progress.show("abc");
    progress.end();
    assertEquals(written, ["abc", "\r   \r"]);
  });

  test("is not there for short work, nor renewed more often than ten times a second", () => {
    const { progress, written, wait } = progressOn();
    progress.show("at once");
    wait(299);
    progress.show("soon");
    wait(1);
    progress.show("long");
    wait(99);
    progress.show("too often");
    assertEquals(written, ["long"]);
  });

  test("gives way to other lines, and comes back", () => {
    const { progress, written, wait } = progressOn();
    wait(1000);
    progress.show("busy");
    progress.around(() => written.push("a log line\n"));
    progress.show("busy still");
    assertEquals(written, ["busy", "\r\x1b[2K", "a log line\n", "busy still"]);
  });

  test("is never longer than the terminal is wide", () => {
    const { progress, written, wait } = progressOn({ columns: () => 10 });
    wait(1000);
    progress.show("a\nvery long line");
    assertEquals(written, ["a very lo"]);
  });

  for (const [where, options] of [
    ["without a terminal", { terminal: false }],
    ["on a dumb terminal", { env: { TERM: "dumb" } }],
  ] as const) {
    test(`writes nothing ${where}`, () => {
      const { progress, written, wait } = progressOn(options);
      wait(1000);
      progress.show("busy");
      progress.around(() => {});
      progress.end();
      assertEquals(written, []);
    });
  }
});

describe("the first sync in one line", () => {
  const status = (more: Partial<ClusterStatus>): ClusterStatus => ({
    id: "",
    state: "syncing",
    stale: false,
    mode: "watch",
    required: true,
    resourceVersion: null,
    ages: { byte: null, event: null, list: null },
    services: 0,
    endpoints: 0,
    lastError: null,
    ...more,
  });
  const cases: [name: string, clusters: ClusterStatus[], line: string | undefined][] = [
    [
      "tells how much is left",
      [status({ listing: { objects: 4500, remaining: 5500 } })],
      "cluster: 4,500 of 10,000 objects read (45%)",
    ],
    [
      "tells what came where nobody knows the rest",
      [status({ listing: { objects: 4500, remaining: undefined } })],
      "cluster: 4,500 objects read",
    ],
    [
      "names clusters where there are several",
      [status({ id: "a", state: "connecting" }), status({ id: "b", state: "unreachable" })],
      "cluster a: connecting, cluster b: unreachable",
    ],
    ["waits for nobody who is not required", [status({ required: false })], undefined],
    ["is over with the first list", [status({ ages: { byte: 0, event: null, list: 0 } })], undefined],
  ];
  for (const [name, clusters, line] of cases) test(name, () => assertEquals(syncLine(clusters), line));
});

const SCRIPT = Bun.which("script");
if (SCRIPT === null)
  process.stderr.write("No script (util-linux): the gateway's progress is not tried on a terminal\n");

describe.skipIf(SCRIPT === null)("a gateway that starts beside a large cluster", () => {
  /** Starts it, on a terminal or not, until it is ready; what it wrote to standard error and the terminal. */
  async function started(onTerminal: boolean): Promise<string> {
    await using api = await serveEmbedded({ maxPage: 100 });
    api.api.apply(Array.from({ length: 1000 }, (_, n) => slice(`svc-${n}`, ["10.0.0.1"], 80)));
    api.api.faults.add({ match: { verb: "list" }, effect: { kind: "delay", ms: 40 } });
    const folder = await mkdtemp(join(tmpdir(), "podway-progress-"));
    const file = join(folder, "gateway.yaml");
    const config = { ...oneCluster(api, []), server: { listen: "127.0.0.1:0" }, admin: { listen: "127.0.0.1:0" } };
    await writeFile(file, JSON.stringify(config));
    const command = [process.execPath, MAIN, "--config", file];
    const quoted = command.map((part) => `'${part}'`).join(" ");
    const child = Bun.spawn(onTerminal ? [SCRIPT!, "-qefc", `exec ${quoted}`, "/dev/null"] : command, {
      env: { PATH: process.env.PATH, HOME: folder, TERM: "xterm" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    let text = "";
    const decoder = new TextDecoder();
    const errors = new Response(child.stderr).text();
    for await (const chunk of child.stdout) {
      text += decoder.decode(chunk, { stream: true });
      if (!text.includes("podway ready on")) continue;
      child.kill("SIGTERM");
    }
    await child.exited;
    await rm(folder, { recursive: true });
    return text + (await errors);
  }

  test("tells on a terminal how far the list is, and leaves nothing of it", async () => {
    const text = await started(true);
    assertMatch(text, /cluster: \d+ of 1,000 objects read \(\d+%\)/);
    const shown = text.split("\r\x1b[2K").map((piece) => piece.trim());
    const ready = shown.findIndex((piece) => piece.startsWith("podway ready on"));
    assert(ready > 0, "the ready line begins where progress was erased");
    assert(!shown.slice(ready).join("").includes("objects read"), "nothing of it comes after");
  }, 30_000);

  test("says nothing of it in a pipe", async () => {
    const text = await started(false);
    assert(text.includes("podway ready on"), text);
    assert(!text.includes("objects read"), text);
  }, 30_000);
});
