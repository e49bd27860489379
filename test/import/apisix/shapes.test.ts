import { afterAll, beforeAll, describe, test } from "bun:test";
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "yaml";
import { summaryLine } from "../../../src/import/summary.ts";
import { type ServedGateway, serve } from "../../gateway/support.ts";
import type { Ask } from "./cases.ts";
import { FIXTURES, type Got, imported, openStage, type Stage, send, servable, verify } from "./support.ts";

/** What stands beside a configuration, in NAME.expected.yaml. */
interface Expected {
  /** Where it is said what APISIX does with it. */
  readonly source: string;
  /** Environment variables of the gateway. */
  readonly env?: Record<string, string>;
  /** What is asked, in this order; `times` repeats one, `together` sends several at once. */
  readonly asks: readonly Step[];
  /** Every place that is reported as not carried over, with what the reason says (a regular expression). */
  readonly left?: Record<string, string>;
  /** Places that carry a note, with what it says. */
  readonly notes?: Record<string, string>;
  readonly summary: string;
}

/** Something that is asked: once, several times, or at once with others; `counts`: how often each node answers. */
type Step = Ask & {
  readonly times?: number;
  readonly together?: Together;
  readonly counts?: Readonly<Record<string, number>>;
};

/** Requests that are under way at the same time, and the statuses of their answers in any order. */
interface Together {
  readonly asks: readonly string[];
  readonly statuses: readonly number[];
}

const NAMES = readdirSync(FIXTURES).flatMap((file) => /^(.+)\.expected\.yaml$/.exec(file)?.[1] ?? []);

const read = (file: string): Promise<string> => readFile(join(FIXTURES, file), "utf8");

/** The standalone file, and the config.yaml where it has one. */
const filesOf = (name: string): Promise<{ name: string; content: string }[]> =>
  Promise.all(
    readdirSync(FIXTURES)
      .filter((file) => file === `${name}.yaml` || file === `${name}.config.yaml`)
      .map(async (file) => ({ name: file, content: await read(file) })),
  );

async function take(
  gateway: ServedGateway,
  stage: Stage,
  { times = 1, together, counts, ...ask }: Step,
): Promise<void> {
  if (together !== undefined) {
    const answers = await Promise.all(together.asks.map((one) => send(gateway, { ...ask, ask: one })));
    await Promise.all(answers.map((answer) => answer.body?.cancel()));
    assertEquals(answers.map(({ status }) => status).sort(), together.statuses);
    return;
  }
  const got: Record<string, number> = {};
  for (let i = 0; i < times; i++) {
    if (counts === undefined) await verify(gateway, stage, ask);
    else {
      const { server } = (await (await send(gateway, ask)).json()) as Got;
      got[server] = (got[server] ?? 0) + 1;
    }
  }
  if (counts !== undefined) assertEquals(got, { ...counts }, ask.ask);
}

describe("a configuration of the shape of APISIX's own tests and of public files", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  for (const name of NAMES) {
    test(`${name}: what is printed answers as APISIX does, and what is not carried over is reported`, async () => {
      const expected = parse(await read(`${name}.expected.yaml`)) as Expected;
      assertMatch(expected.source, /^[\w.-]+\/[\w.-]+ \S+/);
      const files = (await filesOf(name)).map((file) => ({ ...file, content: stage.withPorts(file.content) }));
      const { gateway: text, faults, leftovers, notes, summary } = imported(files);
      assertEquals(faults, []);
      const shown = (issues: typeof leftovers) => issues.map(({ path, message }) => `${path}: ${message}`).join("\n");
      const left = Object.entries(expected.left ?? {});
      assertEquals(leftovers.map(({ path }) => path).sort(), left.map(([path]) => path).sort(), shown(leftovers));
      for (const [path, says] of left) {
        assertMatch(leftovers.find((issue) => issue.path === path)!.message, new RegExp(says), path);
      }
      for (const [path, says] of Object.entries(expected.notes ?? {})) {
        const here = notes.filter((issue) => issue.path === path);
        assert(
          here.some(({ message }) => new RegExp(says).test(message)),
          `${path} has no such note; there are\n${shown(notes)}`,
        );
      }
      assertEquals(summaryLine(summary), expected.summary);
      const env = Object.entries(expected.env ?? {}).map(([key, value]) => [key, stage.withPorts(value)]);
      await using gateway = await serve(servable(text), { env: Object.fromEntries(env) });
      for (const step of expected.asks) await take(gateway, stage, step);
    });
  }
});
