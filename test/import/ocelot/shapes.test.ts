import { afterAll, beforeAll, describe, test } from "bun:test";
import { readdirSync } from "node:fs";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "yaml";
import { type ConfigIssue, loadConfig } from "../../../src/config/load.ts";
import { FORMAT } from "../../../src/gateway/format.ts";
import { summaryLine } from "../../../src/import/summary.ts";
import { slice } from "../../gateway/objects.ts";
import { serve } from "../../gateway/support.ts";
import { serveEmbedded } from "../../helpers/embedded.ts";
import type { Ask } from "../apisix/cases.ts";
import { openStage, type Stage, verify } from "../apisix/support.ts";
import { FOLDER, imported } from "./support.ts";

/** What stands beside a configuration, in NAME.expected.yaml. */
interface Expected {
  /** Where it is said what Ocelot does with it: a repository and what stands there. */
  readonly source: string;
  /** Services of the cluster, `namespace/name`, with their ports by name. */
  readonly services?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What is asked, in this order. */
  readonly asks: readonly Ask[];
  /** Every place that is told as not carried over, with what the reason says (a regular expression). */
  readonly left?: Readonly<Record<string, string>>;
  /** Places that carry a note, with what it says. */
  readonly notes?: Readonly<Record<string, string>>;
  readonly summary: string;
}

const NAMES = readdirSync(FOLDER).flatMap((file) => /^(.+)\.expected\.yaml$/.exec(file)?.[1] ?? []);

const read = (file: string): Promise<string> => Bun.file(`${FOLDER}/${file}`).text();

type Config = { discovery?: { kubernetes: object }; [key: string]: unknown };

/** Serves an imported configuration, before an apiserver with these services where there are any. */
async function served(text: string, services: Expected["services"], stage: Stage) {
  const config = parse(text) as Config;
  if (services === undefined) return { gateway: await serve(config), api: undefined };
  const api = await serveEmbedded();
  for (const [name, ports] of Object.entries(services)) {
    const real = Object.entries(ports).map(([port, number]) => ({
      name: port,
      port: Number(stage.withPorts(String(number))),
    }));
    api.api.apply(slice(name, ["127.0.0.1"], real));
  }
  const service = { schema: "http", host: "127.0.0.1", port: Number(new URL(api.url).port) };
  const discovery = { kubernetes: { ...config.discovery?.kubernetes, service } };
  return { gateway: await serve({ ...config, discovery }), api };
}

/** What `check` says of paths that a client can make slow. */
const slowPaths = (warnings: readonly ConfigIssue[]): string[] =>
  warnings.map(({ message }) => message).filter((message) => message.includes("whose time may"));

describe("a configuration of the shape of Ocelot's own tests, samples and public files", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  test("there are at least thirty", () => {
    assert(NAMES.length >= 30, `${NAMES.length}`);
  });

  for (const name of NAMES) {
    test(`${name}: what is printed answers as Ocelot does, and what is not carried over is told`, async () => {
      const expected = parse(await read(`${name}.expected.yaml`)) as Expected;
      assertMatch(expected.source, /^[\w.-]+\/[\w.-]+ \S+/);
      const content = stage.withPorts(await read(`${name}.json`));
      const { gateway: text, faults, leftovers, notes, summary } = imported([{ name: "ocelot.json", content }]);
      assertEquals(faults, []);
      const checked = loadConfig({ format: FORMAT, file: "gateway.yaml", text, env: {}, pod: {} });
      assert(checked.ok, "check accepts it outside a cluster too");
      assertEquals(slowPaths(checked.warnings), [], "check warns of no path that the importer wrote");
      const told = (issues: typeof leftovers) => issues.map(({ path, message }) => `${path}: ${message}`).join("\n");
      const left = Object.entries(expected.left ?? {});
      assertEquals(leftovers.map(({ path }) => path).sort(), left.map(([path]) => path).sort(), told(leftovers));
      for (const [path, says] of left) {
        assertMatch(leftovers.find((issue) => issue.path === path)!.message, new RegExp(says), path);
      }
      for (const [path, says] of Object.entries(expected.notes ?? {})) {
        const here = notes.filter((issue) => issue.path === path);
        assert(
          here.some(({ message }) => new RegExp(says).test(message)),
          `${path} has no such note; there are\n${told(notes)}`,
        );
      }
      assertEquals(summaryLine(summary), expected.summary);
      const { gateway, api } = await served(text, expected.services, stage);
      try {
        for (const ask of expected.asks) await verify(gateway, stage, ask);
      } finally {
        await gateway[Symbol.asyncDispose]();
        await api?.[Symbol.asyncDispose]();
      }
    });
  }
});
