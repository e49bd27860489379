import { describe, test } from "bun:test";
import { assertEquals, assertNotMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { type KubeconfigOptions, openKubeconfig, readKubeconfig as readAll } from "../../src/kubernetes/kubeconfig.ts";
import { kubeconfigPaths } from "../../src/kubernetes/kubeconfig-paths.ts";
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

/** One file of a folder. */
const readKubeconfig = (text: string, given: KubeconfigOptions) =>
  readAll([{ text, baseDir: "/home/me/.kube" }], given);

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

  test("that asks for what is not supported is refused by name, and no secret is shown", async () => {
    const cases: [string, string, string][] = [
      ["{server: 'https://h'}", "{username: me, password: sEcReT}", 'user "u" uses username'],
      ["{server: 'https://h'}", "{auth-provider: {name: gcp}}", 'user "u" uses auth-provider'],
      ["{server: 'https://h', proxy-url: 'socks5://me:sEcReT@p'}", "{}", 'cluster "c" proxy-url must be an http'],
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

describe("several kubeconfigs, as KUBECONFIG lists them", () => {
  const part = (name: string, more = ""): string => `
${more}
contexts: [{name: ${name}, context: {cluster: shared, user: ${name}, namespace: of-${name}}}]
clusters: [{name: shared, cluster: {server: "https://${name}.test", certificate-authority: ca.crt}}]
users: [{name: ${name}, user: {tokenFile: token}}]
`;
  const files = memoryFiles({
    "/a/config": part("a"),
    "/b/config": part("b", "current-context: b"),
    "/a/ca.crt": pem("CA OF A"),
    "/a/token": "token-a",
    "/b/token": "token-b",
  });

  test("are merged: the first that says something wins, and paths start from their own file", async () => {
    const found = await openKubeconfig("/nowhere:/a/config:/b/config", options({ files }));
    assertEquals([found.namespace, found.server, found.tls.ca], ["of-b", "https://a.test", pem("CA OF A")]);
    assertEquals(await found.credentials.authorization(), "Bearer token-b");
    assertEquals(found.paths, ["/nowhere", "/a/config", "/b/config", "/a/ca.crt", "/b/token"]);
    const first = await openKubeconfig("/b/config:/a/config:", options({ files, context: "a" })).catch(String);
    assertStringIncludes(String(first), "/b/ca.crt");
  });

  test("of which none exists are an error that names them; a single one that does not exist is one too", async () => {
    await assertRejects(() => openKubeconfig("/x:/y", options({ files })), Error, "none of /x, /y exists");
    await assertRejects(() => openKubeconfig("/x", options({ files })), Error, "/x");
  });

  test("are told from a drive's letter", () => {
    assertEquals(kubeconfigPaths("/a:/b"), ["/a", "/b"]);
    assertEquals(kubeconfigPaths("a:b:a"), ["a", "b"]);
    assertEquals(kubeconfigPaths("C:\\Users\\me\\config"), ["C:\\Users\\me\\config"]);
    assertEquals(kubeconfigPaths("C:\\a;D:\\b"), ["C:\\a", "D:\\b"]);
  });
});

test("a CA file with text beyond Latin-1 works, and reaches an exec plugin that asks for it byte for byte", async () => {
  const ca = `# Issuer: NetLock Arany (Class Gold) Főtanúsítvány\n${pem("CA")}`;
  for (const provideClusterInfo of [false, true]) {
    const seen: string[] = [];
    const run: KubeconfigOptions["run"] = async (_command, _args, env) => {
      seen.push(env.KUBERNETES_EXEC_INFO!);
      const status = { token: "plugin-token" };
      const apiVersion = "client.authentication.k8s.io/v1beta1";
      return { code: 0, stdout: JSON.stringify({ apiVersion, kind: "ExecCredential", status }), stderr: "" };
    };
    const exec = `{apiVersion: client.authentication.k8s.io/v1beta1, command: ./plugin, provideClusterInfo: ${provideClusterInfo}}`;
    const source = small("{server: 'https://h', certificate-authority: ca.crt}", `{exec: ${exec}}`);
    const found = await readKubeconfig(source, options({ run, files: memoryFiles({ "/home/me/.kube/ca.crt": ca }) }));
    assertEquals(await found.credentials.authorization(), "Bearer plugin-token");
    const { cluster } = (JSON.parse(seen[0]!) as { spec: { cluster?: Record<string, string> } }).spec;
    const given = cluster?.["certificate-authority-data"];
    assertEquals(given && Buffer.from(given, "base64").toString("utf8"), provideClusterInfo ? ca : undefined);
  }
});

test("a cluster's proxy-url is taken, and told to a plugin that asks", async () => {
  const found = await readKubeconfig(small("{server: 'https://h', proxy-url: 'http://p:3128'}", "{}"), options());
  assertEquals(found.proxy, "http://p:3128");
});
