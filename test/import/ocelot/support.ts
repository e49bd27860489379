import { fail } from "@std/assert";
import { parse } from "yaml";
import { formatIssue } from "../../../src/config/issues.ts";
import { ocelot } from "../../../src/import/ocelot/ocelot.ts";
import { type Imported, runImporter } from "../../../src/import/run-importer.ts";

/** Where each folder is one of Ocelot's configurations. */
export const FOLDER = `${import.meta.dir}/../../fixtures/import/ocelot`;

/** The port that static nodes of the fixtures are written with. */
export const WRITTEN_PORT = "18080";

/** The files of a configuration, by their names. */
export async function filesOf(name: string): Promise<{ name: string; content: string }[]> {
  const names = [...new Bun.Glob("ocelot*.json").scanSync(`${FOLDER}/${name}`)].sort();
  return Promise.all(
    names.map(async (file) => ({ name: file, content: await Bun.file(`${FOLDER}/${name}/${file}`).text() })),
  );
}

/** What came of an import that must succeed. */
export function imported(
  files: readonly { name: string; content: string }[],
  on: (name: string) => boolean = () => false,
): Extract<Imported, { ok: true }> {
  const result = runImporter(ocelot, files, on);
  return result.ok ? result : fail(result.issues.map(formatIssue).join("\n"));
}

/** One route of Ocelot's, with static nodes unless it says where to go, in our words. */
export function routeFrom(route: object, global: object = {}): { route: Record<string, unknown>; told: string[] } {
  const whole = {
    UpstreamPathTemplate: "/a",
    DownstreamPathTemplate: "/a",
    ...("ServiceName" in route ? {} : { DownstreamHostAndPorts: [{ Host: "10.0.0.1", Port: 80 }] }),
    ...route,
  };
  const content = JSON.stringify({ Routes: [whole], GlobalConfiguration: global });
  const { gateway, leftovers, faults } = imported([{ name: "ocelot.json", content }]);
  if (faults.length > 0) fail(faults.map(formatIssue).join("\n"));
  const made = parse(gateway) as { routes?: Record<string, unknown>[] };
  return { route: made.routes?.[0] ?? {}, told: leftovers.map(({ path, message }) => `${path}: ${message}`) };
}
