import { afterAll, beforeAll, describe, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertMatch } from "@std/assert";
import type { Explained } from "../../src/reports/explain/answer.ts";
import type { LiveReport } from "../../src/reports/live/report.ts";
import { type GatewayProcess, runCommand } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { type RealCluster, useCluster } from "./harness/cluster.ts";
import { blockOf, gatewayWith, untilHosts, untilState } from "./harness/gateway.ts";
import { endpoints, namespace, serviceAccount } from "./harness/manifests.ts";
import { createToken, tokenWithRights } from "./harness/users.ts";

const PORTS = [{ name: "http", port: 8080 }];
const ROUTES = [{ id: "web", service: "insight/web:http" }];

let release: RealCluster;
let other: RealCluster;
let folder: string;

beforeAll(async () => {
  [release, other] = await Promise.all([useCluster("release"), useCluster("staging")]);
  folder = await mkdtemp(join(tmpdir(), "podway-insight-"));
  await release.apply(
    namespace("insight"),
    namespace("insight-other"),
    endpoints("insight", "web", ["10.244.0.60", "10.244.0.61"], PORTS),
    endpoints("insight-other", "web", ["10.244.0.62"], PORTS),
  );
}, 120_000);

afterAll(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true });
});

async function configFile(kubernetes: object, routes: readonly object[] = ROUTES): Promise<string> {
  const file = join(folder, "gateway.yaml");
  await writeFile(file, JSON.stringify({ discovery: { kubernetes }, routes }));
  return file;
}

interface Checked {
  readonly code: number;
  readonly stdout: string;
  readonly live: LiveReport;
}

async function checkLive(file: string): Promise<Checked> {
  const told = await runCommand(["check", file, "--live", "--rules"]);
  const machine = await runCommand(["check", file, "--live", "--json"]);
  assertEquals(machine.code, told.code, told.stderr + machine.stdout);
  return { code: told.code, stdout: told.stdout, live: JSON.parse(machine.stdout).live };
}

const faultsOf = ({ live }: Checked): readonly string[] => live.clusters[0]!.faults;

async function applyYaml(text: string): Promise<void> {
  const file = join(folder, "rules.yaml");
  await writeFile(file, text);
  await release.kubectl("apply", "-f", file);
}

/** The first run says no and prints rules; with those applied, as they are printed, the second has nothing to say. */
async function untilAllowed(file: string, faults: readonly RegExp[]): Promise<Checked> {
  const first = await checkLive(file);
  assertEquals([first.code, first.live.services[0]!.code], [1, "not_synced"]);
  assertEquals(faultsOf(first).length, faults.length, faultsOf(first).join("\n"));
  for (const [index, fault] of faults.entries()) assertMatch(faultsOf(first)[index]!, fault);
  await applyYaml(first.stdout);
  const second = await checkLive(file);
  assertEquals([second.code, second.stdout, faultsOf(second)], [0, "", []]);
  assertEquals(second.live.services[0]!.nodes, 2);
  return first;
}

describe("check --live against a real apiserver", () => {
  test("prints the ClusterRole a service account lacks; once it is applied all is well", async () => {
    await release.apply(serviceAccount("default", "live-all"));
    const token = await createToken(release, "default", "live-all");
    const file = await configFile(blockOf(release, { token }));
    const { live } = await untilAllowed(file, [/^may not list, watch endpoints in all namespaces$/]);
    const [cluster] = live.clusters;
    assertEquals([cluster!.user, cluster!.tls], ["system:serviceaccount:default:live-all", "verified"]);
    assertMatch(cluster!.version!, /^v[0-9]+\./);
    const left = (Date.parse(cluster!.tokenExpires!) - Date.now()) / 1000;
    assertEquals(left > 0 && left <= 3700, true, `the token ends in ${left} s`);
    assertEquals(Math.abs(cluster!.clockAhead!) <= 1, true);
  });

  test("prints a Role for each namespace that lacks one", async () => {
    await release.apply(serviceAccount("default", "live-roles"));
    const token = await createToken(release, "default", "live-roles");
    const file = await configFile({ ...blockOf(release, { token }), namespaces: ["insight", "insight-other"] });
    const first = await untilAllowed(file, [
      /^may not list, watch endpoints in namespace insight$/,
      /^may not list, watch endpoints in namespace insight-other$/,
    ]);
    assertEquals(
      first.live.clusters[0]!.rules.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`),
      ["Role insight", "RoleBinding insight", "Role insight-other", "RoleBinding insight-other"],
    );
  });

  test("knows the user of a client certificate by what the apiserver refuses", async () => {
    // Another test may have given this user rights, and kubectl says "no" by its exit code.
    await release.kubectl("delete", "clusterrolebinding", "podway-certificate", "--ignore-not-found");
    await until(
      () =>
        release.kubectl("auth", "can-i", "list", "endpoints", "--as", "gateway").then(
          () => false,
          () => true,
        ),
      {
        message: "the user to have no rights",
      },
    );
    const { cert, key } = release.gatewayCertificate;
    const block = blockOf(release, { cert_file: cert, key_file: key });
    const file = await configFile({ ...block, namespaces: ["insight"] });
    const first = await untilAllowed(file, [/^may not list, watch endpoints in namespace insight$/]);
    assertEquals(first.live.clusters[0]!.user, "gateway");
  });

  test("names the certificate's fault, and a token the apiserver does not know", async () => {
    const token = await tokenWithRights(release, "live-tls");
    const { host, port, ca } = release;
    const faults = async (service: object, client: object = { token }): Promise<string> =>
      faultsOf(await checkLive(await configFile({ service, client }, []))).join("\n");
    assertMatch(await faults({ host, port, ca_file: other.ca }), /not signed by the given CA/);
    assertMatch(await faults({ host: "localhost", port, ca_file: ca }), /certificate is for other names/);
    assertMatch(
      await faults({ host, port, ca_file: ca }, { token: "nobody" }),
      /does not accept the credentials \(401\)/,
    );
  });
});

describe("explain against a real apiserver", () => {
  let gateway: GatewayProcess;

  beforeAll(async () => {
    const block = blockOf(release, { token: await tokenWithRights(release, "insight") });
    const closed = blockOf(release, { token: await tokenWithRights(release, "insight-closed", []) });
    const optional = { required: false };
    gateway = await gatewayWith(
      [
        { id: "plain", ...block },
        { id: "labels", ...block, label_selector: "tier=front" },
        { id: "namespaces", ...block, namespace_selector: { not_equal: "insight" } },
        { id: "closed", ...closed, ...optional },
      ],
      {
        routes: ["plain", "labels", "namespaces", "closed"].map((id) => ({
          id,
          path: `/${id}`,
          service: `${id}/insight/web:http`,
        })),
      },
    );
    await untilHosts(gateway, "plain/insight/web:http", ["10.244.0.60", "10.244.0.61"]);
    await untilState(gateway, "watching", { id: "labels" });
    await untilState(gateway, "watching", { id: "namespaces" });
    await untilState(gateway, "forbidden", { id: "closed" });
  }, 60_000);

  afterAll(async () => {
    await gateway?.stop();
  });

  const explain = async (path: string): Promise<{ code: number; text: string; answer: Explained }> => {
    const told = await runCommand(["explain", path, "--admin", gateway.adminUrl]);
    const machine = await runCommand(["explain", path, "--json", "--admin", gateway.adminUrl]);
    return { code: told.code, text: told.stdout, answer: JSON.parse(machine.stdout) };
  };

  test("names the next node, and the cause where there is none: forbidden, a label, a namespace", async () => {
    const plain = await explain("/plain");
    assertEquals([plain.code, plain.answer.services[0]!.nodes.length], [0, 2]);
    const cases: [string, string, RegExp][] = [
      ["/closed", "not_synced", /the state is forbidden[\s\S]*ClusterRole.*endpoints.*insight-closed/],
      ["/labels", "service_unknown", /service web in namespace insight that matches label_selector tier=front/],
      ["/namespaces", "service_unknown", /namespace insight is filtered out by namespace_selector/],
    ];
    for (const [path, code, says] of cases) {
      const { code: exit, text, answer } = await explain(path);
      assertEquals([exit, answer.verdict.code], [1, code as "not_synced"]);
      assertMatch(text, says);
    }
  });
});
