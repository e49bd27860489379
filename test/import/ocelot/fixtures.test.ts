import { describe, test } from "bun:test";
import { readdirSync } from "node:fs";
import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";
import { importConfig } from "../../../src/cli/import.ts";
import { FOLDER, filesOf, imported } from "./support.ts";

const ROOT = `${import.meta.dir}/../../..`;
const NAMES = readdirSync(FOLDER, { withFileTypes: true })
  .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  .sort();

/** What `import ocelot` prints and says of a folder's files. */
async function printed(name: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const files = await filesOf(name);
  const out: string[] = [];
  const told: string[] = [];
  const code = await importConfig(["ocelot", ...files.map((file) => file.name)], {
    readText: async (path) => files.find((file) => file.name === path)!.content,
    exists: async (path) => files.some((file) => file.name === path),
    stdout: (line) => void out.push(line),
    stderr: (line) => void told.push(line),
  });
  return { code, stdout: `${out.join("\n")}\n`, stderr: told.map((line) => `${line}\n`).join("") };
}

test("there are at least ten configurations", () => {
  assert(NAMES.length >= 10);
});

describe("Ocelot's configurations become gateway.yaml; after a change on purpose, run with RENEW=1", () => {
  for (const name of NAMES) {
    test(name, async () => {
      const { code, stdout, stderr } = await printed(name);
      const [gateway, told] = [`${FOLDER}/${name}/gateway.yaml`, `${FOLDER}/${name}/stderr.txt`];
      if (process.env.RENEW) await Promise.all([Bun.write(gateway, stdout), Bun.write(told, stderr)]);
      assertEquals(stdout, await Bun.file(gateway).text());
      assertEquals(stderr, await Bun.file(told).text());
      assertEquals(code, stderr.includes("not carried over") ? 1 : 0);
    });
  }

  for (const file of [...new Bun.Glob("examples/*/ocelot.json").scanSync(ROOT)].sort()) {
    test(`${file} is carried over whole, into the gateway.yaml beside it`, async () => {
      const content = await Bun.file(`${ROOT}/${file}`).text();
      const { gateway, leftovers, faults } = imported([{ name: "ocelot.json", content }]);
      assertEquals([leftovers, faults], [[], []]);
      const beside = `${ROOT}/${file.replace("ocelot.json", "gateway.yaml")}`;
      if (process.env.RENEW) await Bun.write(beside, gateway);
      assertEquals(await Bun.file(beside).text(), gateway);
    });
  }

  test("docs/migrate-ocelot.md shows what the importer makes of its example", async () => {
    const page = await Bun.file(`${ROOT}/docs/migrate-ocelot.md`).text();
    const [, content = "", shown = ""] = /```jsonc\n(.*?)```.*?```yaml\n(.*?)```/s.exec(page) ?? [];
    const { gateway } = imported([{ name: "ocelot.json", content }]);
    assertEquals(parse(shown), parse(gateway));
  });

  for (const name of NAMES) {
    test(`${name}: check accepts it`, async () => {
      assertEquals(imported(await filesOf(name)).faults, []);
    });
  }
});
