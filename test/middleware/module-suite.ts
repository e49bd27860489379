import { afterAll, beforeAll, describe, test } from "bun:test";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { GatewayOptions, GatewayProcess } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";

/** A module that answers with these words, and what it is told by its options and by a file it imports. */
const answers = (words: string): string => `import { part } from "./part.ts";
export default ({ text }: { text: string }) => async (c: any, next: () => Promise<void>) => {
  c.header("x-said", ["${words}", text, part].join(" "));
  await next();
};
`;
const part = (words: string): string => `export const part: string = "${words}";\n`;

const route = (text: string) => ({
  id: "a",
  path: "/",
  redirect: { path: "/away" },
  middleware: [{ use: "./mine.ts", options: { text } }],
});

/** What a changed module of the user's leads to, on any runtime that loads modules. */
export function moduleSuite(name: string, start: (options: GatewayOptions) => Promise<GatewayProcess>): void {
  describe.each([1, ...(name === "Bun" ? [2] : [])])(`a module of one's own on ${name}, %d thread(s)`, (workers) => {
    let gateway: GatewayProcess;
    const config = (text: string) => ({
      server: { listen: "127.0.0.1:0", ...(workers > 1 && { workers }) },
      admin: false,
      routes: [route(text)],
    });
    beforeAll(async () => {
      gateway = await start({
        config: config("first"),
        files: { "mine.ts": answers("one"), "part.ts": part("of two") },
      });
    });
    afterAll(async () => void (await gateway.stop()));

    const write = (file: string, text: string) => writeFile(join(gateway.folder, file), text);
    const said = async () => (await gateway.fetch("/")).headers.get("x-said");
    /** Every thread says so. */
    const says = (words: string) =>
      until(
        async () => {
          for (let n = 0; n < 4 * workers; n++) if ((await said()) !== words) return undefined;
          return true;
        },
        { message: () => `it does not say ${words}:\n${gateway.stderr.join("\n")}` },
      );
    const logged = (words: string, from = 0) =>
      until(() => gateway.stderr.slice(from).find((line) => line.includes(words)), {
        message: () => `${words} is nowhere in\n${gateway.stderr.join("\n")}`,
      });

    test("is taken over when it is edited, and the log says so", async () => {
      await says("one first of two");
      await write("mine.ts", answers("two"));
      await says("two first of two");
      await logged("The changed modules are in force");
    });

    test("is taken over when a file that it imports is edited", async () => {
      await write("part.ts", part("of three"));
      await says("two first of three");
    });

    test("is the edited one with its options too, when both change", async () => {
      await write("mine.ts", answers("three"));
      await writeFile(gateway.configFile, JSON.stringify(config("second")));
      await says("three second of three");
    });

    test.each([
      ["it cannot be read", "mine.ts", "export default (\n;\n", "mine.ts:2:1: "],
      ["it throws", "mine.ts", "const a = 1;\n\nthrow new Error('no luck');\n", "mine.ts:3:"],
      ["a file it imports cannot be read", "part.ts", "\n\nexport const part = {,};\n", "part.ts:3:"],
      ["a file it imports lacks what it wants", "part.ts", "export const other = 1;\n", "mine.ts:1"],
      ["its function throws", "mine.ts", "export default () => {\n  throw new Error('no luck');\n};\n", "mine.ts:2:"],
      ["it exports no function", "mine.ts", "export const a = 1;\n", "mine.ts"],
    ])(
      "stays as it was while %s, which is told with file and line, and is taken over once mended",
      async (...fault) => {
        const [, file, text, place] = fault;
        const good = file === "mine.ts" ? answers("three") : part("of three");
        const before = gateway.stderr.length;
        await write(file, text);
        const line = await logged("routes[0].middleware[0].use names a module", before);
        assertStringIncludes(line, join(gateway.folder, place));
        assert(!line.includes("podway="), line);
        assertEquals(await said(), "three second of three");
        await write(file, good.replace("of three", "of four").replace("three", "four"));
        await says(file === "mine.ts" ? "four second of three" : "three second of four");
        await write(file, good);
        await says("three second of three");
      },
    );
  });

  describe.each([1, ...(name === "Bun" ? [2] : [])])(
    `what a module leaves uncaught, ${name}, %d thread(s)`,
    (workers) => {
      const FAULTS = `export default () => async (c: any, next: () => Promise<void>) => {
  const how = c.req.query("how");
  if (how === "timer") setTimeout(() => { throw new Error("thrown in a timer"); }, 1);
  if (how === "rejection") void Promise.reject(new Error("rejected"));
  if (how === "nothing") void Promise.reject(undefined);
  await next();
};
`;
      test("is logged, with its name where it can be known, and the gateway lives", async () => {
        await using gateway = await start({
          config: {
            server: { listen: "127.0.0.1:0", ...(workers > 1 && { workers }) },
            admin: false,
            routes: [{ id: "a", path: "/", redirect: { path: "/away" }, middleware: [{ use: "./mine.ts" }] }],
          },
          files: { "mine.ts": FAULTS },
        });
        for (const [how, words] of [
          ["timer", "Nothing caught an error of ./mine.ts: thrown in a timer"],
          ["rejection", "Nothing caught an error of ./mine.ts: rejected"],
          ["nothing", "Nothing caught an error: undefined"],
        ]) {
          assertEquals((await gateway.fetch(`/?how=${how}`)).status, 302);
          await until(() => gateway.stderr.some((line) => line.includes(words!)) || undefined, {
            message: () => `${words} is nowhere in\n${gateway.stderr.join("\n")}`,
          });
        }
        for (let n = 0; n < 4 * workers; n++) assertEquals((await gateway.fetch("/")).status, 302);
        assertEquals(
          gateway.stderr.filter((line) => /died|another|replaced/i.test(line)),
          [],
        );
        assertEquals(await gateway.stop(), 0);
      });
    },
  );

  test(`a module of a ConfigMap is taken over when the ConfigMap is swapped (${name})`, async () => {
    const fill = async (folder: string, version: string, words: string): Promise<void> => {
      await mkdir(join(folder, `..${version}`));
      await writeFile(join(folder, `..${version}`, "mine.ts"), answers(words));
      await writeFile(join(folder, `..${version}`, "part.ts"), part(`of ${words}`));
      await symlink(`..${version}`, join(folder, "..new"));
      await rename(join(folder, "..new"), join(folder, "..data"));
    };
    const config = { server: { listen: "127.0.0.1:0" }, admin: false, routes: [route("first")] };
    const folder = await mkdtemp(join(tmpdir(), "podway-swap-"));
    await fill(folder, "1", "one");
    for (const file of ["mine.ts", "part.ts"]) await symlink(`..data/${file}`, join(folder, file));
    const configFile = join(folder, "gateway.yaml");
    await writeFile(configFile, JSON.stringify(config));
    try {
      await using gateway = await start({ config, configFile });
      const said = async () => (await gateway.fetch("/")).headers.get("x-said");
      assertEquals(await said(), "one first of one");
      for (const [version, words] of [
        ["2", "two"],
        ["3", "three"],
      ] as const) {
        await fill(folder, version, words);
        await until(async () => (await said()) === `${words} first of ${words}` || undefined, {
          message: () => gateway.stderr.join("\n"),
        });
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
