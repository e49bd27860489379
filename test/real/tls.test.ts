import { afterAll, beforeAll, describe, test } from "bun:test";
import { assertEquals, assertMatch } from "@std/assert";
import type { GatewayProcess } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { type RealCluster, useCluster } from "./harness/cluster.ts";
import { gatewayWith, nodesOf, problemCode, statusOf, untilHosts, untilState } from "./harness/gateway.ts";
import { endpoints, namespace } from "./harness/manifests.ts";
import { tokenWithRights } from "./harness/users.ts";

/** What a TLS error says of a certificate nobody we trust has signed, or that holds another name. */
const ABOUT_CERTIFICATE = /certificate|self.signed|issuer|altname|hostname|CA\b/i;

let release: RealCluster;
let gateway: GatewayProcess;

beforeAll(async () => {
  const [cluster, other] = await Promise.all([useCluster("release"), useCluster("staging")]);
  release = cluster;
  await release.apply(namespace("tls"), endpoints("tls", "web", ["10.244.0.10"], [{ name: "http", port: 8080 }]));
  const client = { token: await tokenWithRights(release, "tls") };
  const { host, port } = release;
  // Only the one with the wrong CA is required: it alone must keep the gateway from being ready.
  const optional = { client, required: false };
  gateway = await gatewayWith(
    [
      { ...optional, id: "trusted", service: { host, port, ca_file: release.ca } },
      { client, id: "wrong-ca", service: { host, port, ca_file: other.ca } },
      { ...optional, id: "no-ca", service: { host, port } },
      { ...optional, id: "unverified", service: { host, port, ssl_verify: false } },
      { ...optional, id: "other-name", service: { host: "localhost", port, ca_file: release.ca } },
      {
        ...optional,
        id: "named",
        service: { host: "localhost", port, ca_file: release.ca, server_name: "release.example" },
      },
    ],
    { routes: [{ path: "/wrong", service: "wrong-ca/tls/web:http" }] },
  );
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
});

const expectRefused = async (id: string): Promise<void> => {
  const { lastError } = await untilState(gateway, "unreachable", { id });
  assertMatch(lastError ?? "", ABOUT_CERTIFICATE);
  const answer = await nodesOf(gateway, `${id}/tls/web:http`);
  assertEquals({ nodes: answer.nodes, code: answer.code }, { nodes: [], code: "not_synced" });
};

describe("TLS to a real apiserver", () => {
  test("nodes arrive when the cluster's own CA has signed the apiserver's certificate", async () => {
    await untilHosts(gateway, "trusted/tls/web:http", ["10.244.0.10"]);
    assertEquals((await statusOf(gateway, "trusted")).lastError, null);
  });

  test("a certificate of another CA is refused, and the status says so in words", async () => {
    await expectRefused("wrong-ca");
  });

  test("a certificate of another CA is told in the log, with the cluster's id", async () => {
    await until(() => gateway.stderr.some((line) => line.includes("wrong-ca") && ABOUT_CERTIFICATE.test(line)), {
      message: () => `a line about wrong-ca's certificate in\n${gateway.stderr.join("\n")}`,
    });
  });

  test("a route into the cluster that cannot be trusted answers 503 not_synced", async () => {
    const answer = await gateway.fetch("/wrong/x");
    assertEquals(answer.status, 503);
    assertEquals(await problemCode(answer), "not_synced");
  });

  test("readyz names the required cluster that cannot be trusted, and no other", async () => {
    const answer = await gateway.admin("/readyz");
    assertEquals(answer.status, 503);
    const text = await answer.text();
    assertMatch(text, /wrong-ca/);
    assertEquals(/no-ca|other-name/.test(text), false, text);
  });

  test("without a CA file the cluster's self-made certificate is refused, since verifying is the default", async () => {
    await expectRefused("no-ca");
  });

  test("ssl_verify: false takes any certificate", async () => {
    await untilHosts(gateway, "unverified/tls/web:http", ["10.244.0.10"]);
  });

  test("a certificate that does not hold the host's name is refused", async () => {
    await expectRefused("other-name");
  });

  test("server_name says which name the certificate must hold instead", async () => {
    await untilHosts(gateway, "named/tls/web:http", ["10.244.0.10"]);
  });
});
