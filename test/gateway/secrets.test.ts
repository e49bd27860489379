import { describe, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertNotEquals } from "@std/assert";
import { serveEmbedded } from "../helpers/embedded.ts";
import { until } from "../helpers/wait.ts";
import { clusterBlock, slice } from "./objects.ts";
import { startPods } from "./pods.ts";
import { logged, serve, world } from "./support.ts";

/** Everything that must not be seen, each in a text of its own so that a leak names itself. */
const SECRETS = {
  token: "LEAK-token-of-the-config",
  tokenFromEnv: "LEAK-token-of-the-environment",
  tokenFile: "LEAK-token-of-a-file",
  rotated: "LEAK-token-after-rotation",
  kubeconfig: "LEAK-token-of-a-kubeconfig",
  adminToken: "LEAK-token-of-the-admin-api",
  requestHeader: "LEAK-value-of-a-request-header",
  cookie: "LEAK-value-of-a-cookie",
  matched: "LEAK-value-of-a-matched-header",
  query: "LEAK-value-of-a-matched-query",
  tracing: "LEAK-header-for-the-otlp-endpoint",
  clientHeader: "LEAK-authorization-of-a-client",
} as const;

/** A kubeconfig for an http apiserver. */
const kubeconfigFor = (server: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    clusters: [{ name: "k", cluster: { server } }],
    users: [{ name: "u", user: { token: SECRETS.kubeconfig } }],
  });

const ADMIN_PATHS = [
  "/",
  "/healthz",
  "/readyz",
  "/metrics",
  "/v1/routes",
  "/v1/discovery/kubernetes/dump",
  "/v1/discovery/kubernetes/status",
  "/v1/discovery/kubernetes/nodes?service=plain/default/web:http&verbose=1",
  "/v1/discovery/kubernetes/nodes?service=kube/default/nothing:http&verbose=1",
  "/v1/discovery/kubernetes/nodes",
  "/v1/explain?method=GET&url=/",
  `/v1/explain?url=/second&header=authorization:${encodeURIComponent(SECRETS.clientHeader)}`,
  `/v1/explain?url=/matched&header=x-api-key:%20${encodeURIComponent(SECRETS.matched)}`,
  `/v1/explain?url=/query%3ftoken=${encodeURIComponent(SECRETS.query)}`,
  `/v1/explain?url=nowhere&header=${encodeURIComponent(SECRETS.clientHeader)}`,
  "/nowhere",
];

function assertNoSecret(outputs: Readonly<Record<string, string>>): void {
  const leaks = Object.entries(outputs).flatMap(([where, text]) =>
    Object.entries(SECRETS)
      .filter(([, secret]) => text.includes(secret) || text.includes(btoa(secret)))
      .map(([name]) => `${name} in ${where}`),
  );
  assertEquals(leaks, []);
}

describe("no secret of the config is in any output", () => {
  test("over a run with working, refused and failing clusters, reloads, answers and logs (users-ask 34)", async () => {
    const folder = await mkdtemp(join(tmpdir(), "podway-secrets-"));
    await using api = await serveEmbedded({ requireToken: Object.values(SECRETS) });
    await using refusing = await serveEmbedded({ requireToken: "another" });
    await using pods = await startPods(1, { answer: () => new Response("ok") });
    const outputs: Record<string, string> = {};
    try {
      const tokenFile = join(folder, "token");
      const kubeconfig = join(folder, "kubeconfig");
      await writeFile(tokenFile, `${SECRETS.tokenFile}\n`);
      await writeFile(kubeconfig, kubeconfigFor(api.url));
      api.api.apply(slice("web", [pods.all[0]!.ip], pods.port));
      const cluster = (id: string, client: object, server = api) => ({
        id,
        ...clusterBlock(server, { client, required: false }),
      });
      const config = (path: string): object => ({
        server: { log_level: "debug" },
        // Nobody listens there: it fails, and that is said.
        tracing: { otlp_endpoint: "http://127.0.0.1:9", headers: { authorization: SECRETS.tracing } },
        admin: { token: SECRETS.adminToken },
        discovery: {
          kubernetes: [
            cluster("plain", { token: SECRETS.token }),
            cluster("env", { token: "${CLUSTER_TOKEN}" }),
            cluster("file", { token_file: tokenFile }),
            { id: "kube", client: { kubeconfig }, watch_endpoint_slices: true, required: false },
            cluster("refused", { token: SECRETS.token }, refusing),
          ],
        },
        routes: [
          {
            path,
            service: "plain/default/web:http",
            request_headers: { set: { authorization: SECRETS.requestHeader, cookie: SECRETS.cookie } },
          },
          { path: "/matched", headers: { "x-api-key": SECRETS.matched }, service: "refused/default/web" },
          { path: "/query", query: { token: SECRETS.query }, service: "env/default/web" },
        ],
      });
      await using gateway = await serve(config("/first"), { env: { CLUSTER_TOKEN: SECRETS.tokenFromEnv } });
      const headers = { authorization: `Bearer ${SECRETS.adminToken}` };
      await logged(gateway, "credentials");
      const ask = async (path: string, init?: RequestInit): Promise<void> => {
        const response = await gateway.fetch(path, init);
        outputs[`answer of ${path}`] = JSON.stringify([...response.headers]) + (await response.text());
      };
      const clientHeaders = { headers: { authorization: SECRETS.clientHeader } };
      for (const path of ["/first", "/matched", "/query?token=x", "/none"]) await ask(path, clientHeaders);
      assertEquals(pods.received[0]!.headers.get("authorization"), SECRETS.requestHeader);

      await writeFile(tokenFile, SECRETS.rotated);
      api.api.faults.add({ match: { verb: "watch" }, times: 3, effect: { kind: "status", code: 500 } });
      for (const watch of api.api.openWatches) watch.break();
      await gateway.writeConfig(config("/second"));
      await until(async () => (await gateway.fetch("/second")).ok, { message: "the reload holds" });
      const broken = JSON.stringify(config("/third")).replace('"required":false', `"tokn":"${SECRETS.token}"`);
      await gateway.writeConfig(broken.replace(SECRETS.cookie, `${SECRETS.cookie}\\n`));
      await logged(gateway, "stays in force");

      for (const path of ADMIN_PATHS) {
        for (const [who, init] of [
          ["with the token", { headers }],
          ["without", {}],
        ] as const) {
          const response = await fetch(gateway.adminUrl + path, init);
          outputs[`${path} ${who}`] = JSON.stringify([...response.headers]) + (await response.text());
        }
      }
      await logged(gateway, "Spans are not taken");
      const valid = join(folder, "valid.yaml");
      await writeFile(valid, JSON.stringify(config("/second")));
      const asAdmin = ["--admin", gateway.adminUrl, "--token", SECRETS.adminToken];
      const itself = ["--config", valid];
      const asked = ["explain", "/second", "-H", `authorization: ${SECRETS.clientHeader}`];
      for (const argv of [
        ["check", valid, "--live"],
        ["check", valid, "--live", "--rules"],
        ["check", valid, "--live", "--json"],
        [...asked, ...asAdmin],
        [...asked, "--json", "--verbose", ...asAdmin],
        [...asked, ...itself],
        ["explain", "/matched", ...itself],
        ["nodes", "refused/default/web", "--verbose", ...itself],
      ]) {
        const { run, stdout, stderr } = world({ env: { CLUSTER_TOKEN: SECRETS.tokenFromEnv } });
        assertNotEquals(await run(...argv), 2, [...argv, ...stderr].join(" "));
        // What was typed is not an output.
        outputs[argv.slice(0, 2).join(" ") + Object.keys(outputs).length] = [...stdout, ...stderr].join("\n");
      }
      await gateway.stop();
      outputs["the log"] = gateway.stderr.join("\n");
      outputs["the access log"] = gateway.stdout.join("\n");

      const file = join(folder, "gateway.yaml");
      await writeFile(file, broken);
      for (const argv of [
        ["check", file],
        ["check", file, "--json"],
        ["--config", file],
        ["nodes", "plain/default/web:http", "--config", file],
      ]) {
        const { run, stdout, stderr } = world({ env: { CLUSTER_TOKEN: SECRETS.tokenFromEnv } });
        assertEquals(await run(...argv), 2);
        outputs[argv.join(" ")] = [...stdout, ...stderr].join("\n");
      }
      assertNoSecret(outputs);
      const seen = new Set(api.api.requests.map((request) => request.headers.get("authorization")));
      for (const name of ["token", "tokenFromEnv", "tokenFile", "kubeconfig"] as const) {
        assertEquals([name, seen.has(`Bearer ${SECRETS[name]}`)], [name, true]);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
