import { describe, test } from "bun:test";
import { assertEquals, assertNotMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { type KubeconfigOptions, readKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { memoryFiles } from "../helpers/memory-files.ts";

const pem = (name: string): string => `-----BEGIN ${name}-----\nabc\n-----END ${name}-----\n`;

const file = `
apiVersion: v1
kind: Config
current-context: dev
contexts:
  - name: dev
    context: { cluster: dev-cluster, user: dev-user, namespace: shop }
  - name: prod
    context: { cluster: prod-cluster, user: prod-user }
  - name: dangling
    context: { cluster: nowhere, user: dev-user }
  - name: nobody
    context: { cluster: dev-cluster, user: ghost }
clusters:
  - name: dev-cluster
    cluster: { server: "https://[fd00::1]:6443/", certificate-authority-data: ${btoa(pem("CA"))} }
  - name: prod-cluster
    cluster:
      server: https://10.0.0.1:6443
      certificate-authority: pki/ca.crt
      tls-server-name: kubernetes
users:
  - name: dev-user
    user: { token: "dev-token" }
  - name: prod-user
    user:
      client-certificate: /abs/client.crt
      client-key-data: ${btoa(pem("KEY"))}
`;

const options = (more: Partial<KubeconfigOptions> = {}): KubeconfigOptions => ({
  baseDir: "/home/me/.kube",
  files: memoryFiles({
    "/home/me/.kube/pki/ca.crt": pem("FILE CA"),
    "/abs/client.crt": pem("CERT"),
    "/home/me/.kube/t": "file-token\n",
  }),
  run: async () => ({ code: 0, stdout: "", stderr: "" }),
  env: {},
  clock: createFakeClock(),
  ...more,
});

/** A file with one cluster and one user, whose blocks are given as YAML flow. */
const small = (cluster: string, user: string): string => `
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: ${cluster}}]
users: [{name: u, user: ${user}}]
`;

describe("a kubeconfig", () => {
  test("gives server, CA data, token and namespace of its current context", async () => {
    const found = await readKubeconfig(file, options());
    assertEquals(found.server, "https://[fd00::1]:6443");
    assertEquals(found.tls, { verify: true, ca: pem("CA"), cert: undefined, key: undefined, serverName: undefined });
    assertEquals(await found.credentials.authorization(), "Bearer dev-token");
    assertEquals(found.namespace, "shop");
    assertEquals(found.paths, []);
  });

  test("gives another context's CA file, client certificate and server name; relative paths start at the file", async () => {
    const found = await readKubeconfig(file, options({ context: "prod" }));
    assertEquals(found.tls, {
      verify: true,
      ca: pem("FILE CA"),
      cert: pem("CERT"),
      key: pem("KEY"),
      serverName: "kubernetes",
    });
    assertEquals(found.paths, ["/home/me/.kube/pki/ca.crt", "/abs/client.crt"]);
    assertEquals(await found.credentials.authorization(), undefined);
  });

  test("may switch verification off, and name a token file, which wins over a token", async () => {
    const source = small("{server: 'https://h', insecure-skip-tls-verify: true}", "{token: x, tokenFile: t}");
    const found = await readKubeconfig(source, options());
    assertEquals(found.tls.verify, false);
    assertEquals(await found.credentials.authorization(), "Bearer file-token");
  });

  test("runs its exec plugin, a relative path starting at the file", async () => {
    const commands: string[] = [];
    const exec =
      "apiVersion: client.authentication.k8s.io/v1, env: [{name: A, value: b}], interactiveMode: IfAvailable";
    const status = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token: "t" } };
    for (const command of ["./bin/login", "login"]) {
      const source = small("{server: 'https://h'}", `{exec: {command: ${command}, ${exec}}}`);
      const run: KubeconfigOptions["run"] = async (program, _args, env) => {
        commands.push(`${program} ${env.A}`);
        return { code: 0, stdout: JSON.stringify(status), stderr: "" };
      };
      const { credentials } = await readKubeconfig(source, options({ run }));
      assertEquals(await credentials.authorization(), "Bearer t");
    }
    assertEquals(commands, ["/home/me/.kube/bin/login b", "login b"]);
  });

  test("that names what is not there is refused with what is there", async () => {
    const cases: [string | undefined, string][] = [
      ["nope", 'no context "nope": it has dev, prod, dangling, nobody'],
      ["dangling", 'no cluster "nowhere" (named by context "dangling"): it has dev-cluster, prod-cluster'],
      ["nobody", 'no user "ghost" (named by context "nobody"): it has dev-user, prod-user'],
    ];
    for (const [context, words] of cases) {
      const error = await assertRejects(() => readKubeconfig(file, options({ context })));
      assertStringIncludes(error.message, words);
    }
    await assertRejects(() => readKubeconfig("contexts: []", options()), Error, "no current-context is set");
    await assertRejects(() => readKubeconfig("", options({ context: "a" })), Error, "it has no contexts");
  });

  test("that asks for what is not supported is refused by name, and no secret is shown (users-ask 34)", async () => {
    const cases: [string, string, string][] = [
      ["{server: 'https://h'}", "{username: me, password: sEcReT}", 'user "u" uses username'],
      ["{server: 'https://h'}", "{auth-provider: {name: gcp}}", 'user "u" uses auth-provider'],
      ["{server: 'https://h', proxy-url: 'http://me:sEcReT@p'}", "{}", 'cluster "c" uses proxy-url'],
      ["{server: 'h:6443'}", "{}", "server must be a URL"],
      ["{server: 'https://h', certificate-authority-data: '***'}", "{}", "certificate-authority-data is not base64"],
      ["{server: 'https://h'}", "{client-certificate-data: YQ==}", "needs both client-certificate and client-key"],
      ["{server: 'https://h'}", "{client-certificate: missing.crt}", "/home/me/.kube/missing.crt"],
      ["{server: 'https://h'}", "{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}", "v1alpha1"],
      ["{server: 'https://h'}", "{exec: {apiVersion: client.authentication.k8s.io/v1}}", "exec has no command"],
      [
        "{server: 'https://h'}",
        "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}}",
        "wants a terminal",
      ],
    ];
    for (const [cluster, user, words] of cases) {
      const error = await assertRejects(() => readKubeconfig(small(cluster, user), options()));
      assertStringIncludes(error.message, words);
      assertNotMatch(error.message, /sEcReT/);
    }
    const broken = await assertRejects(() => readKubeconfig("users:\n - token: sEcReT\n  bad: [", options()));
    assertEquals(broken.message, "kubeconfig: it is not valid YAML");
  });

  test("with an exec plugin is refused where programs cannot be run", async () => {
    const source = small("{server: 'https://h'}", "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x}}");
    await assertRejects(
      () => readKubeconfig(source, options({ run: undefined })),
      Error,
      "programs cannot be run here",
    );
  });
});
