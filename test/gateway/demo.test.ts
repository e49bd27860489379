import { afterAll, beforeAll, describe, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { endingWithUs } from "../helpers/child.ts";
import { PROGRAM } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";

const READY = /^podway ready on (http:\/\/127\.0\.0\.1:\d+) \(admin (http:\/\/127\.0\.0\.1:\d+)\)$/m;
const SERVER = /kubectl --server=(http:\/\/127\.0\.0\.1:\d+) -n demo/;

/** The program without a config, in an empty folder, as a new user starts it. */
async function startBare() {
  const folder = await mkdtemp(join(tmpdir(), "podway-demo-"));
  const { PATH, TMPDIR } = process.env;
  const child = Bun.spawn(endingWithUs([...PROGRAM, "--port", "0", "--admin-port", "0"]), {
    cwd: folder,
    env: { PATH, TMPDIR, HOME: folder },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const written = { stdout: "", stderr: "" };
  const collect = async (name: "stdout" | "stderr"): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of child[name]) written[name] += decoder.decode(chunk, { stream: true });
  };
  const output = Promise.all([collect("stdout"), collect("stderr")]);
  const message = () => `ready line and hints\n${written.stdout}${written.stderr}`;
  const [, url = "", admin = ""] = await until(() => SERVER.test(written.stdout) && READY.exec(written.stdout), {
    message,
  });
  return {
    url,
    admin,
    apiserver: SERVER.exec(written.stdout)![1]!,
    written,
    async stop(): Promise<number> {
      child.kill("SIGTERM");
      const code = await child.exited;
      await output;
      await rm(folder, { recursive: true, force: true });
      return code;
    },
  };
}

/** `kubectl delete pod`, or the request it makes where there is no kubectl. */
async function deletePod(apiserver: string, name: string): Promise<void> {
  if (Bun.which("kubectl") === null) {
    const response = await fetch(`${apiserver}/api/v1/namespaces/demo/pods/${name}`, { method: "DELETE" });
    assertEquals(response.status, 200);
    return;
  }
  const child = Bun.spawn(["kubectl", `--server=${apiserver}`, "-n", "demo", "delete", "pod", name], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [code, out, err] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  assertEquals([code, err], [0, ""]);
  assertMatch(out, new RegExp(`pod "${name}" deleted`));
}

describe("the program without a config, a cluster and a kubeconfig", () => {
  let demo: Awaited<ReturnType<typeof startBare>>;

  beforeAll(async () => {
    demo = await startBare();
  });

  afterAll(async () => {
    await demo.stop();
  });

  const askPod = async (): Promise<string> => (await (await fetch(`${demo.url}/anything`)).json()).pod;

  test("says that it is ready, and prints a curl line and kubectl lines to try", () => {
    const [ready, curl, get, remove] = demo.written.stdout.split("\n");
    assertMatch(ready!, READY);
    assert(curl!.endsWith(`curl ${demo.url}/anything`), curl);
    assertMatch(get!, SERVER);
    assertMatch(remove!, /kubectl --server=\S+ -n demo delete pod echo-1$/);
  });

  test("answers two requests by two different pods", async () => {
    const answers = [await askPod(), await askPod(), await askPod(), await askPod()];
    assertEquals(new Set(answers), new Set(["echo-1", "echo-2"]));
    assert(answers[0] !== answers[1]);
  });

  test("sends nothing more to a pod from the next request after kubectl deleted it", async () => {
    await deletePod(demo.apiserver, "echo-1");
    const answers: string[] = [];
    for (let sent = 0; sent < 6; sent++) answers.push(await askPod());
    assertEquals(answers, Array(6).fill("echo-2"));
    const nodes = await fetch(`${demo.admin}/v1/discovery/kubernetes/nodes?service=demo/echo:http`);
    assertEquals((await nodes.json()).nodes.length, 1);
  });

  test("answers 503 with a reason while all pods are gone, again by pods that take their place, and ends with 0 at SIGTERM", async () => {
    const again = async (): Promise<Set<string>> => new Set([await askPod(), await askPod(), await askPod()]);
    await until(async () => (await again()).size === 2, { message: "another pod" });
    for (const pod of await again()) await deletePod(demo.apiserver, pod);
    const response = await fetch(`${demo.url}/anything`);
    assertEquals([response.status, (await response.json()).code], [503, "no_endpoints"]);
    await until(async () => (await fetch(`${demo.url}/anything`)).ok, { message: "other pods" });
    assertEquals(await demo.stop(), 0);
  });
});
