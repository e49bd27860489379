import { describe, test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { silentLogger } from "../../src/base/log.ts";
import type { ClusterOptions } from "../../src/discovery/options.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { type ConnectDeps, connect, serverUrl } from "../../src/kubernetes/connect.ts";
import type { ClientTls } from "../../src/platform/tls.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { type MemoryFiles, memoryFiles } from "../helpers/memory-files.ts";
import { listOf, slices, statusOf } from "../helpers/scripted-apiserver.ts";

const signal = new AbortController().signal;
type Service = NonNullable<ClusterOptions["service"]>;

const cluster = (service: Partial<Service> | undefined, client: ClusterOptions["client"]): ClusterOptions =>
  ({
    id: "",
    service: service === undefined ? undefined : { schema: "https", ssl_verify: true, host: "10.0.0.1", ...service },
    client,
  }) as ClusterOptions;

/** Fetches that tell which TLS they were made with. */
function deps(files: MemoryFiles, answer: (tls: ClientTls) => Response = () => listOf("1", [])) {
  const made: ClientTls[] = [];
  const given: ConnectDeps = {
    files,
    env: {},
    clock: createFakeClock(),
    run: undefined,
    clientFetch: (tls) => {
      made.push(tls);
      return async () => answer(tls);
    },
  };
  return { made, given };
}

describe("the way to an apiserver", () => {
  test("brackets IPv6 hosts, written with or without brackets, and knows the schemas' ports", () => {
    const url = (service: Partial<Service>): string => serverUrl(cluster(service, {}).service!);
    assertEquals(url({ host: "fd00::1", port: 443 }), "https://[fd00::1]:443");
    assertEquals(url({ host: "[fd00::1]", port: 6443 }), "https://[fd00::1]:6443");
    assertEquals(url({ host: "api.example.org" }), "https://api.example.org:443");
    assertEquals(url({ schema: "http", host: "127.0.0.1" }), "http://127.0.0.1:80");
  });

  test("verifies with the CA file and identifies with certificate and key", async () => {
    const files = memoryFiles({ "/ca": "CA", "/crt": "CRT", "/key": "KEY" });
    const { made, given } = deps(files);
    const connection = await connect(
      cluster({ ca_file: "/ca", server_name: "kubernetes" }, { cert_file: "/crt", key_file: "/key" }),
      given,
    );
    assertEquals(made, [{ verify: true, ca: "CA", cert: "CRT", key: "KEY", serverName: "kubernetes" }]);
    assertEquals(connection.files, ["/ca", "/crt", "/key"]);
  });

  test("swaps the fetch when a file changed, and only then", async () => {
    const files = memoryFiles({ "/ca": "CA" });
    const { made, given } = deps(files);
    const connection = await connect(cluster({ ca_file: "/ca" }, {}), given);
    const before = connection.fetch;
    await connection.refresh();
    assertStrictEquals(connection.fetch, before);
    files.set("/ca", "NEW CA");
    await connection.refresh();
    assert(connection.fetch !== before);
    assertEquals(made.at(-1)!.ca, "NEW CA");
  });

  test("keeps what it has when a file cannot be read", async () => {
    const files = memoryFiles({ "/ca": "CA" });
    const { made, given } = deps(files);
    const connection = await connect(cluster({ ca_file: "/ca" }, { token: "t" }), given);
    files.delete("/ca");
    await assertRejects(() => connection.refresh(), Error, "/ca");
    assertEquals(made.length, 1);
    assertEquals(await connection.credentials.authorization(), "Bearer t");
  });

  test("uses a changed token file's token with the next request, and the old one while the file is away", async () => {
    const files = memoryFiles({ "/token": "first\n" });
    const connection = await connect(cluster({}, { token_file: "/token" }), deps(files).given);
    assertEquals(connection.files, ["/token"]);
    assertEquals(await connection.credentials.authorization(), "Bearer first");
    files.delete("/token");
    await connection.refresh();
    assertEquals(await connection.credentials.authorization(), "Bearer first");
    files.set("/token", "second\n");
    await connection.refresh();
    assertEquals(await connection.credentials.authorization(), "Bearer second");
  });

  test("tries once more after a 401 with a client certificate that was renewed on disk", async () => {
    const files = memoryFiles({ "/crt": "OLD", "/key": "KEY" });
    const { made, given } = deps(files, (tls) =>
      tls.cert === "NEW" ? listOf("1", []) : statusOf(401, "Unauthorized", "Unauthorized"),
    );
    const connection = await connect(cluster({}, { cert_file: "/crt", key_file: "/key" }), given);
    const api = createApiClient({ connection, logger: silentLogger, clock: given.clock });
    files.set("/crt", "NEW");
    await api.list(slices, {}, signal);
    assertEquals(
      made.map(({ cert }) => cert),
      ["OLD", "NEW"],
    );
  });

  test("uses the client certificate an exec plugin gives, and the next one when that expires", async () => {
    const kubeconfig = `
current-context: c
contexts: [{name: c, context: {cluster: c, user: u, namespace: shop}}]
clusters: [{name: c, cluster: {server: "https://h:6443"}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login}}}]
`;
    const { made, given } = deps(memoryFiles({ "/home/config": kubeconfig }));
    let runs = 0;
    const run: ConnectDeps["run"] = async () => {
      const expirationTimestamp = new Date(given.clock.now() + 60_000).toISOString();
      const status = { clientCertificateData: `CERT${++runs}`, clientKeyData: "KEY", expirationTimestamp };
      const credential = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status };
      return { code: 0, stdout: JSON.stringify(credential), stderr: "" };
    };
    const clock = createFakeClock();
    const connection = await connect(cluster(undefined, { kubeconfig: "/home/config" }), { ...given, run, clock });
    assertEquals(
      [connection.server, connection.namespace, connection.files],
      ["https://h:6443", "shop", ["/home/config"]],
    );
    const api = createApiClient({ connection, logger: silentLogger, clock });
    await api.list(slices, {}, signal);
    await clock.advance(70_000);
    await api.list(slices, {}, signal);
    assertEquals(
      made.map(({ cert }) => cert),
      [undefined, "CERT1", "CERT2"],
    );
  });

  test("names the file where there are no files", async () => {
    const { given } = deps(memoryFiles());
    await assertRejects(() => connect(cluster({ ca_file: "/ca" }, {}), { ...given, files: undefined }), Error, "/ca");
  });
});
