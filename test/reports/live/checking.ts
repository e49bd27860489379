import { afterAll, beforeAll } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { parseAllDocuments } from "yaml";
import type { ClusterReport, LiveReport } from "../../../src/reports/live/report.ts";
import { slice } from "../../gateway/objects.ts";
import { world } from "../../gateway/support.ts";
import { type ServedApiserver, serveEmbedded } from "../../helpers/embedded.ts";

export let folder: string;
export let api: ServedApiserver;

/** The tests of a file have a folder and an apiserver with services, made before them and taken away behind them. */
export function withApiserver(): void {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "podway-live-"));
    api = await serveEmbedded();
    api.api.apply([
      slice("shop/web", ["10.0.0.1", "10.0.0.2"], 80),
      slice(
        "shop/two",
        ["10.0.0.3"],
        [
          { name: "http", port: 80 },
          { name: "admin", port: 81 },
        ],
      ),
      slice("shop/unready", [{ addresses: ["10.0.0.4"], conditions: { ready: false } }], 80),
    ]);
  });

  afterAll(async () => {
    await api.stop();
    await rm(folder, { recursive: true });
  });
}

/** What `check --live` said, to people and to machines. */
export interface Checked {
  readonly code: number;
  readonly text: string;
  readonly stderr: string;
  readonly live: LiveReport;
}

/** Runs `check --live` for people and for machines. */
export async function checkLive(config: object, ...argv: string[]): Promise<Checked> {
  const file = join(folder, "gateway.yaml");
  await writeFile(file, JSON.stringify(config));
  const [told, machine] = [world(), world()];
  const [code, same] = await Promise.all([
    told.run("check", file, "--live", ...argv),
    machine.run("check", file, "--live", "--json", ...argv),
  ]);
  assertEquals(same, code);
  const { live } = JSON.parse(machine.stdout.join("\n")) as { live: LiveReport };
  return { code, text: told.stdout.join("\n"), stderr: told.stderr.join("\n"), live };
}

/** The report of the only cluster there is. */
export const only = ({ live }: Checked): ClusterReport => {
  assertEquals(live.clusters.length, 1);
  return live.clusters[0]!;
};

export const objectsIn = (yaml: string): Record<string, unknown>[] =>
  parseAllDocuments(yaml).map((document) => document.toJS() as Record<string, unknown>);

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token that says this of itself; nobody checks its signature here. */
export const jwt = (claims: object): string => `${base64url({ alg: "RS256" })}.${base64url(claims)}.LEAKsignature`;
