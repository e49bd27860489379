import { describe, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { parse } from "yaml";
import { PROBLEM_CODES, problemStatus } from "../../src/http/problem.ts";
import type { ClientState } from "../../src/kubernetes/types.ts";
import { STREAM_FAILURES } from "../../src/telemetry/stream-counters.ts";

const ROOT = join(import.meta.dir, "../..");
const PAGE = readFileSync(join(ROOT, "docs/operations.md"), "utf8");

/** Every state; one that is missing here does not compile. */
const STATES: Record<ClientState, true> = {
  connecting: true,
  syncing: true,
  watching: true,
  polling: true,
  on_request: true,
  unreachable: true,
  unauthorized: true,
  forbidden: true,
  rejected: true,
};

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert?: string; readonly annotations?: object }[] }[];
}

describe("docs/operations.md", () => {
  test("has a row for every problem code, with its status", () => {
    const missing = PROBLEM_CODES.filter((code) => !PAGE.includes(`\n| \`${code}\` | ${problemStatus(code)} |`));
    assertEquals(missing, []);
  });

  test("has a row for every way a stream's connection may fail", () => {
    assertEquals(
      STREAM_FAILURES.filter((reason) => !PAGE.includes(`\n| \`${reason}\` | `)),
      [],
    );
  });

  test("has a row for every state of a cluster", () => {
    assertEquals(
      Object.keys(STATES).filter((state) => !PAGE.includes(`\n| \`${state}\` | `)),
      [],
    );
  });

  test("has a paragraph for every alert, where its runbook leads", () => {
    const { groups } = parse(readFileSync(join(ROOT, "deploy/prometheus/podway.rules.yaml"), "utf8")) as Rules;
    const alerts = groups.flatMap(({ rules }) => rules.flatMap(({ alert }) => alert ?? []));
    assertEquals(alerts.length > 10, true);
    assertEquals(
      alerts.filter((name) => !PAGE.includes(`<a id="alert-${name}"></a>**${name}**: `)),
      [],
    );
    const told = [...PAGE.matchAll(/<a id="alert-(\w+)">/g)].map(([, name]) => name!);
    assertEquals(
      told.filter((name) => !alerts.includes(name)),
      [],
      "no alert that there is not",
    );
  });

  test("names no metric that there is not", () => {
    const source = ["src/admin/metrics", "src/telemetry"].map((folder) => readAll(join(ROOT, folder))).join("\n");
    const named = new Set([...PAGE.matchAll(/`(podway_[a-z_]+)`/g)].map(([, name]) => name!));
    assertEquals(
      [...named].filter((name) => !source.includes(`"${name}"`)),
      [],
    );
  });

  test("links to what is there", () => {
    const links = [...PAGE.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, target]) => target!);
    assertEquals(
      links.filter((target) => !existsSync(join(ROOT, "docs", target))),
      [],
    );
    const headings = [...PAGE.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replace(/[^a-z0-9 _-]/g, "")
        .replaceAll(" ", "-"),
    );
    const inside = [...PAGE.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target!);
    assertEquals(
      inside.filter((target) => !headings.includes(target)),
      [],
    );
  });
});

function readAll(folder: string): string {
  const files = [...new Bun.Glob("**/*.{ts,tsx}").scanSync(folder)];
  return files.map((file) => readFileSync(join(folder, file), "utf8")).join("\n");
}
