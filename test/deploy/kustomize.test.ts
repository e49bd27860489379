import { describe, test } from "bun:test";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { parseAllDocuments } from "yaml";
import { runCommand } from "../helpers/gateway-process.ts";

const DEPLOY = join(import.meta.dir, "../../deploy");

const kubectl = Bun.which("kubectl");
if (!kubectl)
  process.stderr.write("skipped: kubectl is not installed, so nothing shows what Kustomize makes of deploy/\n");

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

const keyOf = ({ kind, metadata }: Named): string => `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
const sorted = (objects: readonly Named[]): Named[] => [...objects].sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
const objectsIn = (text: string): Named[] => parseAllDocuments(text).map((document) => document.toJS() as Named);

/** What `kubectl kustomize` makes of a folder of deploy/. */
async function kustomized(folder: string): Promise<Named[]> {
  const child = Bun.spawn([kubectl!, "kustomize", join(DEPLOY, folder)], { stdout: "pipe", stderr: "pipe" });
  const [text, problems] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  assertEquals([await child.exited, problems], [0, ""]);
  return sorted(objectsIn(text));
}

/** What `manifests` prints. */
async function printed(file: string, ...args: string[]): Promise<Named[]> {
  const { code, stdout, stderr } = await runCommand(["manifests", join(DEPLOY, file), "--json", ...args]);
  assertEquals(code, 0, stderr);
  return sorted((JSON.parse(stdout) as { items: Named[] }).items);
}

describe.skipIf(!kubectl)("deploy/", () => {
  test("base is what `manifests` prints for its config", async () => {
    assertEquals(await kustomized("base"), await printed("base/gateway.yaml", "--namespace", "podway"));
  });

  test("the example's roles are what `manifests --rbac` prints for its config", async () => {
    const rights = await printed("overlays/example/gateway/gateway.yaml", "--namespace", "edge", "--rbac");
    const written = objectsIn(await Bun.file(join(DEPLOY, "overlays/example/rights.yaml")).text());
    assertEquals(
      sorted(written),
      rights.filter(({ kind }) => kind !== "ServiceAccount"),
    );
  });

  test("the example differs from what `manifests` prints for its config in nothing but its namespace object", async () => {
    const options = ["--namespace", "edge", "--image", "registry.example.org/podway:0.1.0"];
    const more = ["--service-type", "LoadBalancer", "--hpa"];
    const expected = await printed("overlays/example/gateway/gateway.yaml", ...options, ...more);
    const made = await kustomized("overlays/example");
    assertEquals(
      made.filter(({ kind }) => kind !== "Namespace"),
      expected,
    );
  });
});
