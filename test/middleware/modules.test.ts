import { test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ConfigIssue } from "../../src/config/issues.ts";
import { createModules } from "../../src/middleware/modules.ts";
import { bunModules } from "../../src/platform/bun/modules.ts";
import { describeFault } from "../../src/platform/module-faults.ts";
import { createModuleLoader } from "../../src/platform/module-loader.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { startGateway } from "../helpers/gateway-process.ts";
import { moduleSuite } from "./module-suite.ts";

moduleSuite("Bun", startGateway);

test("what a module was before its edits can be collected", async () => {
  const folder = await mkdtemp(join(tmpdir(), "podway-modules-"));
  try {
    const file = join(folder, "mine.ts");
    const held: WeakRef<object>[] = [];
    for (let n = 0; n < 100; n++) {
      await writeFile(join(folder, "part.ts"), `export const part = { n: ${n}, big: new Array(1000).fill({}) };\n`);
      await writeFile(file, `import { part } from "./part.ts";\nexport default part;\n`);
      const [result] = await bunModules.load([await bunModules.look("mine.ts", join(folder, "gateway.yaml"))]);
      assert(result?.status === "fulfilled");
      const { default: part } = result.value as { default: { n: number } };
      assertEquals(part.n, n);
      held.push(new WeakRef(part));
    }
    await new Promise((resolve) => setTimeout(resolve));
    Bun.gc(true);
    const alive = held.filter((ref) => ref.deref() !== undefined).length;
    assert(alive <= 10, `${alive} of 100`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a fault's line is shown without the texts in it, which may be secrets", () => {
  const files = new Map([["/a/mine.ts", `const a = 1;\nconst key = "s3cr3t" + 'p\\'4ss' + \`tok\n`]]);
  const error = Object.assign(new Error("it broke"), { stack: "Error: it broke\n    at f (/a/mine.ts?podway=7:2:5)" });
  assertEquals(describeFault(error, "/a/mine.ts", files), "/a/mine.ts:2:5: it broke: const key = \"…\" + '…' + `…`");
});

const never = (): Promise<never> => new Promise(() => {});

test.each([
  ["is never done with loading", never, "cannot be loaded"],
  ["has a function that is never done", async () => ({ default: never }), "function failed"],
])("a module that %s is an issue, and what it is mended to is taken", async (_what, evaluate, words) => {
  const clock = createFakeClock();
  const good = { default: () => () => undefined };
  let evaluated: () => Promise<unknown> = evaluate;
  let stamp = "first";
  const files = createModuleLoader({ begin() {}, evaluate: () => evaluated() }, clock);
  const look = async (path: string) => ({ path, named: path, files: [], stamp });
  const modules = createModules({ ...files, look }, "gateway.yaml", clock);
  const load = () =>
    modules.load([{ use: "./mine.ts", options: {}, issue: (message) => ({ message }) as unknown as ConfigIssue }]);
  const loading = load();
  await clock.advance(10_000);
  const [issue] = await loading;
  assertStringIncludes(issue!.message, words);
  assertStringIncludes(issue!.message, "longer than 10 s");
  evaluated = async () => good;
  stamp = "second";
  assertEquals(await load(), []);
  assertEquals(clock.pending, 0);
});
