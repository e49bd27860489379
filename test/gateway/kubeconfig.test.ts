import { describe, test } from "bun:test";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertMatch } from "@std/assert";
import { slice } from "../discovery/support.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { runCommand, startGateway } from "../helpers/gateway-process.ts";

const kubeconfig = (server: string, context: string) => `
current-context: c
contexts: [{name: c, context: ${context}}]
clusters: [{name: c, cluster: {server: "${server}"}}, {name: ca, cluster: {server: "https://h", certificate-authority: gone.crt}}]
users: [{name: u, user: {token: t}}]
`;

const config = (more: object = {}) => ({
  server: { listen: "127.0.0.1:0" },
  admin: { listen: "127.0.0.1:0" },
  discovery: { kubernetes: { client: { kubeconfig: "kubeconfig" }, watch_endpoint_slices: true, ...more } },
  routes: [{ path: "/", service: "api:http" }],
});

describe("a kubeconfig's context", () => {
  test("names the namespace of a service reference that names none, unless the config does (as for kubectl)", async () => {
    await using api = await serveEmbedded();
    api.api.apply(
      ["shop", "other"].map((namespace, i) =>
        slice("api-a", [{ addresses: [`10.0.0.${i + 1}`] }], { service: "api", namespace }),
      ),
    );
    const path = join(await mkdtemp(join(tmpdir(), "podway-kubeconfig-")), "config");
    await writeFile(path, kubeconfig(api.url, "{cluster: c, user: u, namespace: shop}"));
    for (const [more, host] of [
      [{}, "10.0.0.1"],
      [{ namespace: "other" }, "10.0.0.2"],
    ] as const) {
      await using gateway = await startGateway({ config: config({ client: { kubeconfig: path }, ...more }) });
      const nodes = async (path: string) =>
        ((await (await gateway.admin(path)).json()) as { nodes: { host: string }[] }).nodes.map((node) => node.host);
      assertEquals(await nodes("/v1/discovery/kubernetes/nodes?service=api:http"), [host]);
      const asked = await runCommand(["explain", "/", "--config", gateway.configFile, "--json"]);
      assertMatch(asked.stdout, new RegExp(host.replaceAll(".", "\\.")));
    }
  }, 60_000);

  test("whose CA file is missing is told by check", async () => {
    await using api = await serveEmbedded();
    const files = {
      kubeconfig: kubeconfig(api.url, "{cluster: c, user: u}"),
      broken: kubeconfig(api.url, "{cluster: ca, user: u}"),
    };
    await using gateway = await startGateway({ config: config(), files });
    const bad = `${gateway.folder}/bad.yaml`;
    await Bun.write(bad, JSON.stringify(config({ client: { kubeconfig: `${gateway.folder}/broken` } })));
    const { code, stderr } = await runCommand(["check", bad]);
    assertEquals(code, 0);
    assertMatch(stderr, /discovery\.kubernetes\.client\.kubeconfig: .*gone\.crt/);
  }, 60_000);
});
