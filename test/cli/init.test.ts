import { afterEach, beforeEach, describe, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { world } from "../gateway/support.ts";
import { until } from "../helpers/wait.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "podway-init-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const kubeconfig = (server: string): string => `
current-context: here
contexts:
  - { name: here, context: { cluster: c, user: u, namespace: shop } }
  - { name: there, context: { cluster: c, user: u } }
clusters: [{ name: c, cluster: { server: ${JSON.stringify(server)} } }]
users: [{ name: u, user: { token: not-to-be-copied } }]
`;

const at = (name: string): string => join(folder, name);

/** Runs a command without the machine's own kubeconfig. */
async function run(env: Record<string, string>, ...argv: string[]) {
  const { run: start, stdout, stderr } = world({ env: { HOME: folder, ...env } });
  return { code: await start(...argv), stdout: stdout.join("\n"), stderr: stderr.join("\n") };
}

describe("init", () => {
  test("writes a config for the cluster of a kubeconfig, in its namespace, which check finds valid", async () => {
    await writeFile(at("kube"), kubeconfig("https://10.0.0.1:6443"));
    for (const [more, service, context] of [
      [[], "shop/my-service:http", undefined],
      [["--context", "there", "--service", "a/b:8080"], "a/b:8080", 'context: "there"'],
    ] as const) {
      const file = at(`${more.length}.yaml`);
      const made = await run({ KUBECONFIG: at("kube") }, "init", file, ...more);
      assertEquals([made.code, made.stderr], [0, ""]);
      const text = await readFile(file, "utf8");
      assertStringIncludes(text, service);
      assertStringIncludes(text, at("kube"));
      assertEquals(text.includes("not-to-be-copied"), false);
      if (context !== undefined) assertStringIncludes(text, context);
      assertMatch((await run({}, "check", file)).stdout, /is valid: 1 route, 1 cluster/);
    }
  });

  test("names the place where it looked for a kubeconfig, and the next command as it can be typed here", async () => {
    const missing = await run({ KUBECONFIG: at("gone") }, "init", "-", "--admin", "http://127.0.0.1:1");
    assertStringIncludes(missing.stderr, `KUBECONFIG names ${at("gone")}, and that is not there`);
    await writeFile(at("kube"), kubeconfig("https://10.0.0.1:6443"));
    const env = { KUBECONFIG: at("kube") };
    for (const [more, program] of [
      [{}, "podway"],
      [{ npm_lifecycle_event: "gateway" }, "bun run gateway"],
    ] as const) {
      const { stdout } = await run({ ...env, ...more }, "init", at(`${program}.yaml`));
      assertStringIncludes(stdout, `then: ${program} check --live --config`);
    }
  });

  test("never writes over a file that is there", async () => {
    await writeFile(at("kube"), kubeconfig("https://10.0.0.1:6443"));
    await writeFile(at("gateway.yaml"), "mine");
    const { code, stderr } = await run({ KUBECONFIG: at("kube") }, "init", at("gateway.yaml"));
    assertEquals([code, await readFile(at("gateway.yaml"), "utf8")], [2, "mine"]);
    assertStringIncludes(stderr, "already");
  });

  test("writes nothing where it cannot be right, and says why", async () => {
    await writeFile(at("kube"), kubeconfig("https://10.0.0.1:6443"));
    await writeFile(at("broken"), "contexts: [");
    for (const [argv, words] of [
      [["--kubeconfig", at("kube"), "--context", "nowhere"], /no context "nowhere": it has here, there/],
      [["--kubeconfig", at("broken")], /not valid YAML/],
      [["--kubeconfig", at("none")], /no such file/],
      [["--kubeconfig", at("kube"), "--service", "a b"], /routes\[0\]\.service/],
      [["--apiserver", "10.0.0.1"], /--apiserver is a URL/],
      [["--admin", "http://127.0.0.1:1"], /no kubeconfig.*start podway --demo/],
    ] as const) {
      const { code, stderr } = await run({}, "init", at("new.yaml"), ...argv);
      assertEquals(code, 2);
      assertMatch(stderr, words);
      assertEquals((await readdir(folder)).includes("new.yaml"), false);
    }
  });

  test("is a line that the demo prints and that works beside a kubeconfig and on other ports", async () => {
    const demo = world({ env: { npm_lifecycle_event: "gateway" } });
    const ended = demo.run("--demo", "--port", "0", "--admin-port", "0");
    const line = await until(() => demo.stdout.find((said) => said.includes("init -")), { message: "the hint" });
    const words = line.trim().split(" ");
    assertEquals(words.slice(0, 4), ["bun", "run", "gateway", "init"]);
    await writeFile(at("kube"), kubeconfig("https://10.0.0.1:6443"));
    const shown = await run({ KUBECONFIG: at("kube") }, ...words.slice(3));
    assertEquals([shown.code, shown.stderr], [0, ""]);
    assertMatch(shown.stdout, /host: "127\.0\.0\.1"[\s\S]*service: "demo\/echo:http"/);
    demo.signal("SIGTERM");
    assertEquals(await ended, 0);
  });

  test("writes the config of the demo that runs, and a gateway serves it", async () => {
    const demo = world();
    const ended = demo.run("--demo", "--port", "0", "--admin-port", "0");
    await until(() => demo.stdout.length > 1, { message: "the demo" });
    const admin = /\(admin (\S+)\)/.exec(demo.stdout[0]!)![1]!;
    const shown = await run({}, "init", "-", "--admin", admin);
    assertEquals([shown.code, shown.stderr], [0, ""]);
    const text = shown.stdout.replace(/127\.0\.0\.1:(8080|9090)/g, "127.0.0.1:0");
    await writeFile(at("demo.yaml"), text);
    const copy = world();
    const copyEnded = copy.run("--config", at("demo.yaml"));
    await until(() => copy.stdout.length > 0, { message: "a gateway" });
    const url = /ready on (\S+)/.exec(copy.stdout[0]!)![1]!;
    assertMatch(await (await fetch(`${url}/anything`)).text(), /echo-[12]/);
    copy.signal("SIGTERM");
    demo.signal("SIGTERM");
    assertEquals([await copyEnded, await ended], [0, 0]);
  });
});
