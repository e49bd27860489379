import { describe, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
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
  matchedCookie: "LEAK-value-of-a-matched-cookie",
  setQuery: "LEAK-value-of-a-set-parameter",
  answerHeader: "LEAK-value-of-an-answer-header",
  password: "LEAK-password-of-basic-auth",
  password2: "LEAK-password-of-another-user",
  bearer: "LEAK-token-of-bearer-auth",
  jwtSecret: "LEAK-secret-of-jwt",
  jwtAuthSecret: "LEAK-secret-of-jwt-auth",
  apiKey: "LEAK-key-of-key-auth",
  moduleOption: "LEAK-option-of-a-module",
  kubePassword: "LEAK-password-of-a-kubeconfig",
  explained: "LEAK-header-that-explain-is-asked-with",
} as const;

/** A kubeconfig for an http apiserver. */
const kubeconfigFor = (server: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    clusters: [{ name: "k", cluster: { server } }],
    users: [
      { name: "u", user: { token: SECRETS.kubeconfig } },
      { name: "other", user: { username: "me", password: SECRETS.kubePassword } },
    ],
  });

/** One of each middleware that holds a secret. */
const middlewareWith = (module: string): readonly object[] => [
  {
    basic_auth: {
      username: "me",
      password: SECRETS.password,
      users: [{ username: "you", password: SECRETS.password2 }],
    },
  },
  { bearer_auth: { token: SECRETS.bearer } },
  { jwt: { secret: SECRETS.jwtSecret, alg: "HS256" } },
  { jwt_auth: { consumers: [{ name: "c", key: "k", secret: SECRETS.jwtAuthSecret }] } },
  { key_auth: { consumers: [{ name: "c", key: SECRETS.apiKey }] } },
  { use: module, options: { nested: { value: SECRETS.moduleOption } } },
];

/** A module of the user's own. */
const MODULE = `export default () => async (_c, next) => { await next(); };\n`;

const ADMIN_PATHS = [
  "/",
  "/healthz",
  "/readyz",
  "/metrics",
  "/v1/routes",
  "/v1/config",
  "/v1/version",
  "/v1/discovery/kubernetes/dump",
  "/v1/discovery/kubernetes/status",
  "/v1/discovery/kubernetes/nodes?service=plain/default/web:http&verbose=1",
  "/v1/discovery/kubernetes/nodes?service=kube/default/nothing:http&verbose=1",
  "/v1/discovery/kubernetes/nodes",
  "/v1/explain?method=GET&url=/",
  `/v1/explain?method=GET&url=/matched&header=${encodeURIComponent(`x-api-key: ${SECRETS.explained}`)}`,
  `/v1/explain?method=GET&url=/matched&header=${encodeURIComponent(SECRETS.explained)}`,
  "/?open=plain/default/web&q=web&rq=first&method=GET&url=/first",
  "/console/events",
  "/console/page.js",
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

/** Another gateway's files, with secrets where those have them. */
const APISIX = `routes:
  - uri: /a
    plugins:
      key-auth: { key: ${SECRETS.apiKey} }
      unknown-plugin: { password: ${SECRETS.password} }
    upstream: { discovery_type: kubernetes, service_name: "default/web:http", unknown: ${SECRETS.token} }
consumers:
  - username: c
    plugins: { key-auth: { key: ${SECRETS.apiKey} } }
#END
`;
const OCELOT = JSON.stringify({
  Routes: [
    {
      UpstreamPathTemplate: "/a",
      DownstreamPathTemplate: "/a",
      ServiceName: "web",
      AuthenticationOptions: { AuthenticationProviderKey: "k", Unknown: SECRETS.password },
      UpstreamHeaderTransform: { Authorization: SECRETS.requestHeader },
    },
  ],
  GlobalConfiguration: { ServiceDiscoveryProvider: { Type: "Kube", Token: SECRETS.token, Namespace: "default" } },
});

/** Manifests without the objects that are there to hold secrets. */
function withoutSecrets(text: string): string {
  const list = JSON.parse(text) as { items: { kind: string }[] };
  return JSON.stringify(list.items.filter(({ kind }) => kind !== "Secret"));
}

/** The text of an answer; of an event stream what comes first. */
async function firstOf(response: Response): Promise<string> {
  if (response.headers.get("content-type") !== "text/event-stream") return response.text();
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes('"timeline"')) text += (await reader.read()).value ?? "";
  await reader.cancel();
  return text;
}

describe("no secret of the config is in any output", () => {
  test("over a run with working, refused and failing clusters, reloads, answers and logs", async () => {
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
      const module = join(folder, "mine.ts");
      await writeFile(module, MODULE);
      const middleware = middlewareWith(module);
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
          {
            id: "guarded",
            path: "/guarded",
            cookies: { session: SECRETS.matchedCookie },
            service: "plain/default/web:http",
            request_query: { set: { token: SECRETS.setQuery } },
            response_headers: { set: { "x-secret": SECRETS.answerHeader } },
            middleware,
          },
          ...middleware.map((one, index) => ({
            id: `middleware-${index}`,
            path: `/middleware/${index}`,
            service: "plain/default/web:http",
            middleware: [one],
          })),
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
      for (const index of middleware.keys()) {
        await ask(`/middleware/${index}`);
        await ask(`/middleware/${index}`, { headers: { authorization: "Basic x", "x-api-key": "wrong" } });
      }
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
          outputs[`${path} ${who}`] = JSON.stringify([...response.headers]) + (await firstOf(response));
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
      // A module that is elsewhere cannot be printed with the rest.
      const printable = join(folder, "printable.yaml");
      const { routes, ...others } = config("/second") as { routes: object[] };
      const without = routes.filter((route) => !JSON.stringify(route).includes(module));
      await writeFile(
        printable,
        JSON.stringify({
          ...others,
          routes: [...without, { path: "/m", service: "plain/default/web:http", middleware: middleware.slice(0, -1) }],
        }),
      );
      const [apisix, ocelot] = [join(folder, "apisix.yaml"), join(folder, "ocelot.json")];
      await writeFile(apisix, APISIX);
      await writeFile(ocelot, OCELOT);
      for (const argv of [
        ["check", valid],
        ["nodes", "plain/default/web:http", "--verbose", ...asAdmin],
        ["nodes", "plain/default/web:http", "--admin", gateway.adminUrl, "--token", "wrong"],
        ["explain", "GET", "/guarded", "-H", `cookie: session=${SECRETS.matchedCookie}`, ...itself],
        ["explain", "GET", "/guarded", "-H", SECRETS.explained, ...itself],
        ["schema"],
        ["manifests", printable, "--json"],
        ["import", "apisix", apisix],
        ["import", "ocelot", ocelot],
      ]) {
        const { run, stdout, stderr } = world({ env: { CLUSTER_TOKEN: SECRETS.tokenFromEnv } });
        await run(...argv);
        const name = `${argv.slice(0, 3).join(" ")} ${Object.keys(outputs).length}`;
        outputs[`${name}: messages`] = stderr.join("\n");
        // What these two are for holds what the user wrote: one in a Secret, the other where it stood before.
        if (argv[0] === "manifests") outputs[`${name}: all but the Secret`] = withoutSecrets(stdout.join("\n"));
        else if (argv[0] !== "import") outputs[name] = stdout.join("\n");
        assert(stdout.length + stderr.length > 0, `${name} said nothing`);
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
