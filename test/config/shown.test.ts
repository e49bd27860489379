import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { showUrl } from "../../src/base/redaction.ts";
import { check } from "../../src/cli/check.ts";
import { manifests } from "../../src/cli/manifests.ts";
import { literalSecrets, redactConfig } from "../../src/config/redact.ts";
import { readSource } from "../../src/config/source.ts";
import { FORMAT } from "../../src/gateway/format.ts";
import { textPlaces } from "./schema-walk.ts";
import { config, load } from "./support.ts";

const MARK = "M4rked";
const NUMBER = 987_654_321;
const ENV = { USER: "someone" };

const places = textPlaces(MARK);
const hidden = places.filter(({ shown }) => !shown);

/** What a command prints about a file: all of it, and standard output by itself. */
async function printed(
  run: (argv: readonly string[], io: never) => Promise<number>,
  argv: readonly string[],
  file: unknown,
): Promise<{ stdout: string; stderr: string }> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const readText = async (): Promise<string> => JSON.stringify(file);
  const io = {
    env: ENV,
    pod: {},
    files: { readText },
    readText,
    exists: async () => true,
    stdout: (line: string) => void stdout.push(line),
    stderr: (line: string) => void stderr.push(line),
  };
  await run(argv, io as never);
  return { stdout: stdout.join("\n"), stderr: stderr.join("\n") };
}

/** Objects of `manifests --json` that anybody in the namespace may read. */
function readable(stdout: string): string {
  const { items } = JSON.parse(stdout) as { items: { kind: string }[] };
  return JSON.stringify(items.filter(({ kind }) => kind !== "Secret"));
}

describe("a text that the schema does not call showable is in no output", () => {
  test("the walk reaches what is known to hold secrets, and the secrets only", () => {
    const paths = new Set(hidden.map(({ path }) => path));
    for (const path of [
      "admin.token",
      "discovery.kubernetes.client.token",
      "discovery.kubernetes[].client.token",
      "routes[].headers{}",
      "routes[].cookies{}.not.in[]",
      "routes[].request_query.set{}",
      "routes[].request_headers.add{}",
      "defaults.response_headers.set{}",
      "routes[].redirect.location",
      "routes[].rewrite_path.replace",
      "routes[].middleware[].rate_limit.exempt[]",
      "routes[].middleware[].jwt.secret",
      "routes[].middleware[].options",
      "tracing.headers{}",
      "tracing.otlp_endpoint",
    ]) {
      assert(paths.has(path), path);
    }
    for (const path of [
      "routes[].service",
      "routes[].hosts[]",
      "server.zone",
      "discovery.kubernetes.client.kubeconfig",
    ]) {
      assert(!paths.has(path), path);
    }
  });

  for (const { path, marked, around } of hidden) {
    test(path, async () => {
      const file = around(marked);
      const text = JSON.stringify(file);
      const outputs: Record<string, string> = {
        "/v1/config": JSON.stringify(redactConfig(FORMAT, config(text, { env: ENV }))),
      };
      for (const argv of [["gateway.yaml"], ["gateway.yaml", "--json"]]) {
        const { stdout, stderr } = await printed(check as never, argv, file);
        outputs[`check ${argv}`] = stdout + stderr;
      }
      const made = await printed(manifests as never, ["gateway.yaml", "--json"], file);
      outputs["messages of manifests"] = made.stderr;
      // A module that is not beside its config cannot be printed with it, which is another matter.
      if (made.stdout !== "") outputs["what anybody may read of manifests"] = readable(made.stdout);
      const found = literalSecrets(FORMAT, readSource({ file: "gateway.yaml", text, env: ENV }));
      assertEquals(found.length, 1, "the one text is found where it stands");
      for (const wrong of [[marked], { inner: marked }, { [marked]: 1 }, [[marked]], NUMBER, `\n${marked}`]) {
        const { stdout, stderr } = await printed(check as never, ["gateway.yaml"], around(wrong));
        outputs[`check of ${JSON.stringify(wrong)}`] = stdout + stderr;
      }
      for (const [where, output] of Object.entries(outputs)) {
        const named = where.startsWith('check of {"M');
        assert((named || !output.includes(MARK)) && !output.includes(String(NUMBER)), `${where}: ${output}`);
      }
    });
  }
});

test("what is shown is what stands in the file", () => {
  let looked = 0;
  for (const { path, marked, around } of places.filter(({ shown }) => shown)) {
    const loaded = load(JSON.stringify(around(marked)), { env: ENV });
    // Others need a key beside them; what `defaults` says is in the routes, and there are none.
    if (!loaded.ok || path.startsWith("defaults.")) continue;
    assert(JSON.stringify(redactConfig(FORMAT, loaded.config)).toLowerCase().includes(MARK.toLowerCase()), path);
    looked++;
  }
  assert(looked > 50, `${looked} places`);
});

describe("a URL is shown without what may be a credential", () => {
  test.each([
    ["https://u:p@a.example/x", "https://xxx@a.example/x"],
    ["https://a.example/x?token=p&v=2#f", "https://a.example/x?token=xxx&v=xxx#f"],
    ["https://a.example/u@x", "https://a.example/u@x"],
    ["{scheme}://{host}/x?back={path}&k=p", "{scheme}://{host}/x?back={path}&k=xxx"],
    ["/healthz", "/healthz"],
  ])("%s", (url, shown) => {
    assertEquals(showUrl(url), shown);
  });
});
