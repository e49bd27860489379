import { afterAll, beforeAll, describe, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { until } from "../helpers/wait.ts";
import { type RealCluster, useCluster } from "./harness/cluster.ts";
import {
  blockOf,
  gatewayWith,
  hostsOf,
  type StatusShape,
  statusOf,
  untilHosts,
  untilState,
} from "./harness/gateway.ts";
import { clusterRole, endpoints, namespace, READ_ENDPOINTS, serviceAccount } from "./harness/manifests.ts";
import { createToken, tokenWithRights } from "./harness/users.ts";

const WEB = "credentials/web:http";
const FAILED_STATES = ["unreachable", "unauthorized", "forbidden", "rejected"];
const PORTS = [{ name: "http", port: 8080 }];

let release: RealCluster;
let folder: string;

beforeAll(async () => {
  release = await useCluster("release");
  folder = await mkdtemp(join(tmpdir(), "podway-credentials-"));
  await release.apply(namespace("credentials"), endpoints("credentials", "web", ["10.244.0.10"], PORTS));
}, 120_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A token that is worth nothing any more once the Secret of this name is deleted. */
async function createRevocableToken(account: string, secret: string): Promise<string> {
  await release.apply({ apiVersion: "v1", kind: "Secret", metadata: { name: secret, namespace: "default" } });
  const bound = ["--bound-object-kind", "Secret", "--bound-object-name", secret];
  return (await release.kubectl("create", "token", account, "--namespace", "default", ...bound)).trim();
}

/** The HTTP status the apiserver gives to a list with this token. */
async function statusWith(token: string): Promise<number> {
  const answer = await fetch(`${release.url}/api/v1/endpoints?limit=1`, {
    headers: { authorization: `Bearer ${token}` },
    tls: { ca: Bun.file(release.ca) },
  });
  await answer.arrayBuffer();
  return answer.status;
}

describe("a token", () => {
  test("may come from the environment", async () => {
    const token = await tokenWithRights(release, "from-env");
    await using gateway = await gatewayWith(blockOf(release, { token: "${GATEWAY_TOKEN}" }), {
      env: { GATEWAY_TOKEN: token },
    });
    await untilHosts(gateway, WEB, ["10.244.0.10"]);
  });

  test("that the apiserver does not know is told as unauthorized, in words, without the token", async () => {
    await using gateway = await gatewayWith({ ...blockOf(release, { token: "not-a-token" }), required: false });
    const { lastError } = await untilState(gateway, "unauthorized");
    assertMatch(lastError ?? "", /401|unauthorized/i);
    assertEquals([...gateway.stdout, ...gateway.stderr, lastError].join("\n").includes("not-a-token"), false);
  });

  test("file is rotated and the old token revoked without one failed sync", async () => {
    await tokenWithRights(release, "rotating");
    await release.apply(endpoints("credentials", "rotated", ["10.244.0.10"], PORTS));
    const old = await createRevocableToken("rotating", "rotating-old");
    const tokenFile = join(folder, "rotating-token");
    await writeFile(tokenFile, `${old}\n`);
    const block = blockOf(release, { token_file: tokenFile });
    await using gateway = await gatewayWith([
      { ...block, id: "polled", mode: "poll", poll_interval: 200 },
      // A watch that was opened lives on with the token it began with: silence closes this one every second.
      { ...block, id: "watched", watch_idle: 1000 },
    ]);
    await untilHosts(gateway, `polled/credentials/rotated:http`, ["10.244.0.10"]);
    await untilHosts(gateway, `watched/credentials/rotated:http`, ["10.244.0.10"]);

    const unwell: StatusShape[] = [];
    const watching = new AbortController();
    const observed = (async () => {
      while (!watching.signal.aborted) {
        for (const status of [await statusOf(gateway, "polled"), await statusOf(gateway, "watched")]) {
          if (status.lastError !== null || FAILED_STATES.includes(status.state)) unwell.push(status);
        }
        await Bun.sleep(20);
      }
    })();

    await writeFile(tokenFile, `${await createRevocableToken("rotating", "rotating-new")}\n`);
    await release.kubectl("delete", "secret", "rotating-old", "--namespace", "default");
    // The apiserver remembers a good token for 10 s.
    await until(async () => (await statusWith(old)) === 401, {
      timeout: 30_000,
      message: "the old token to be revoked",
    });
    await release.apply(endpoints("credentials", "rotated", ["10.244.0.10", "10.244.0.11"], PORTS));
    await untilHosts(gateway, `polled/credentials/rotated:http`, ["10.244.0.10", "10.244.0.11"]);
    await untilHosts(gateway, `watched/credentials/rotated:http`, ["10.244.0.10", "10.244.0.11"]);
    watching.abort();
    await observed;
    assertEquals(unwell, []);
  });

  test("file that gets another user's token is used with that user's rights, without a restart", async () => {
    const tokenFile = join(folder, "another-token");
    await writeFile(tokenFile, await tokenWithRights(release, "without-rights", []));
    await using gateway = await gatewayWith({ ...blockOf(release, { token_file: tokenFile }), required: false });
    await untilState(gateway, "forbidden");
    await writeFile(tokenFile, await tokenWithRights(release, "with-rights"));
    await untilHosts(gateway, WEB, ["10.244.0.10"], 60_000);
    assertEquals((await untilState(gateway, "watching")).lastError, null);
  });

  test("file that is not there yet is waited for", async () => {
    const tokenFile = join(folder, "late-token");
    await using gateway = await gatewayWith({ ...blockOf(release, { token_file: tokenFile }), required: false });
    await until(async () => (await statusOf(gateway)).lastError?.includes("late-token"), {
      message: async () => `an error that names the file, not ${JSON.stringify(await statusOf(gateway))}`,
    });
    await writeFile(tokenFile, await tokenWithRights(release, "late"));
    await untilHosts(gateway, WEB, ["10.244.0.10"], 60_000);
  });
});

describe("a client certificate", () => {
  test("in cert_file and key_file is the gateway's user, and no token is needed", async () => {
    await release.apply(...clusterRole("podway-certificate", [READ_ENDPOINTS], { kind: "User", name: "gateway" }));
    const { cert, key } = release.gatewayCertificate;
    await using gateway = await gatewayWith(blockOf(release, { cert_file: cert, key_file: key }));
    await untilHosts(gateway, WEB, ["10.244.0.10"]);
    const requests = await release.requestsOf("gateway");
    assert(requests.some(({ verb, path }) => verb === "list" && path === "/api/v1/endpoints"));
  });
});

describe("a kubeconfig", () => {
  const CONTEXTS = ["ca-file", "ca-data", "certificate-file", "certificate-data", "exec-token", "exec-certificate"];
  let kubeconfig: string;

  beforeAll(async () => {
    await release.apply(...clusterRole("podway-certificate", [READ_ENDPOINTS], { kind: "User", name: "gateway" }));
    const token = await tokenWithRights(release, "kubeconfig");
    const pem = async (path: string): Promise<string> => await Bun.file(path).text();
    const base64 = async (path: string): Promise<string> => btoa(await pem(path));
    const { cert, key } = release.gatewayCertificate;
    const credential = async (name: string, status: object): Promise<void> => {
      const text = JSON.stringify({
        apiVersion: "client.authentication.k8s.io/v1beta1",
        kind: "ExecCredential",
        status,
      });
      await writeFile(join(folder, `${name}.json`), text);
    };
    await credential("token", { token });
    await credential("certificate", { clientCertificateData: await pem(cert), clientKeyData: await pem(key) });
    // Which credential it prints is said by an argument and a variable: both have to arrive.
    await writeFile(join(folder, "plugin.sh"), '#!/bin/sh\ncat "$CREDENTIALS/$1.json"\n', { mode: 0o755 });
    const exec = (name: string): object => ({
      exec: {
        apiVersion: "client.authentication.k8s.io/v1beta1",
        command: "./plugin.sh",
        args: [name],
        env: [{ name: "CREDENTIALS", value: folder }],
        interactiveMode: "Never",
      },
    });
    await writeFile(join(folder, "ca.crt"), await pem(release.ca));

    kubeconfig = join(folder, "kubeconfig");
    const context = (name: string, cluster: string, user: string): object => ({ name, context: { cluster, user } });
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        // A relative path is relative to the kubeconfig.
        { name: "ca-file", cluster: { server: release.url, "certificate-authority": "ca.crt" } },
        { name: "ca-data", cluster: { server: release.url, "certificate-authority-data": await base64(release.ca) } },
      ],
      users: [
        { name: "token", user: { token } },
        { name: "certificate-file", user: { "client-certificate": cert, "client-key": key } },
        {
          name: "certificate-data",
          user: { "client-certificate-data": await base64(cert), "client-key-data": await base64(key) },
        },
        { name: "exec-token", user: exec("token") },
        { name: "exec-certificate", user: exec("certificate") },
      ],
      contexts: [
        context("ca-file", "ca-file", "token"),
        context("ca-data", "ca-data", "token"),
        context("certificate-file", "ca-data", "certificate-file"),
        context("certificate-data", "ca-data", "certificate-data"),
        context("exec-token", "ca-data", "exec-token"),
        context("exec-certificate", "ca-data", "exec-certificate"),
      ],
      "current-context": "ca-file",
    };
    await writeFile(kubeconfig, JSON.stringify(config));
  });

  test("is read as kubectl reads it: CA, token, client certificate as file and as data, exec plugins", async () => {
    const blocks = CONTEXTS.map((context) => ({ id: context, client: { kubeconfig, context }, required: false }));
    await using gateway = await gatewayWith(blocks);
    const outcomes: Record<string, string> = {};
    for (const context of CONTEXTS) {
      // What kubectl cannot use either would be a fault of this test.
      await release.kubectl("--kubeconfig", kubeconfig, "--context", context, "get", "endpoints", "-n", "credentials");
      outcomes[context] = await untilHosts(gateway, `${context}/${WEB}`, ["10.244.0.10"], 5000).then(
        () => "nodes",
        async () => `${(await statusOf(gateway, context)).state}: ${(await statusOf(gateway, context)).lastError}`,
      );
    }
    assertEquals(outcomes, Object.fromEntries(CONTEXTS.map((context) => [context, "nodes"])));
  });

  test("needs no context when its current one is meant", async () => {
    await using gateway = await gatewayWith({ client: { kubeconfig } });
    await untilHosts(gateway, WEB, ["10.244.0.10"]);
  });

  test("that names a plugin which is not there is told in words, with the plugin's name", async () => {
    const broken = join(folder, "broken-kubeconfig");
    const text = (await Bun.file(kubeconfig).text()).replaceAll("./plugin.sh", "./missing-plugin.sh");
    await writeFile(broken, text);
    const client = { kubeconfig: broken, context: "exec-token" };
    await using gateway = await gatewayWith({ client, required: false });
    await until(async () => (await statusOf(gateway)).lastError?.includes("missing-plugin.sh"), {
      message: async () => `an error that names the plugin, not ${JSON.stringify(await statusOf(gateway))}`,
    });
    assertEquals(await hostsOf(gateway, WEB), []);
  });
});

describe("a service account's token", () => {
  test("made by the TokenRequest API is a user of that name", async () => {
    await release.apply(
      serviceAccount("credentials", "gateway"),
      ...clusterRole("podway-token-request", [READ_ENDPOINTS], {
        kind: "ServiceAccount",
        name: "gateway",
        namespace: "credentials",
      }),
    );
    const token = await createToken(release, "credentials", "gateway");
    await using gateway = await gatewayWith(blockOf(release, { token }));
    await untilHosts(gateway, WEB, ["10.244.0.10"]);
    const requests = await release.requestsOf("system:serviceaccount:credentials:gateway");
    assertEquals(
      requests.filter(({ verb }) => verb !== "list" && verb !== "watch"),
      [],
    );
  });
});
