import { beforeAll, describe, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { type GatewayProcess, runCommand, startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { type RealCluster, useCluster } from "./harness/cluster.ts";
import { endpointSlice, endpoints, namespace, serviceAccount } from "./harness/manifests.ts";
import { stateFolder } from "./harness/state.ts";
import { createToken } from "./harness/users.ts";

/** The gateways' own namespace, two that they serve, and one that is not theirs. */
const EDGE = "manifests";
const [SHOP, CART, CLOSED] = ["manifests-shop", "manifests-cart", "manifests-closed"];
const NAMESPACES = [EDGE, SHOP, CART, CLOSED];
const PORTS = [{ name: "http", port: 8080 }];
const ADMIN_TOKEN = "the-admin-token";

/** The kinds that this server has in an older version only, with the same fields as far as they are used. */
const OLDER: Readonly<Record<string, string>> = {
  "policy/v1": "policy/v1beta1",
  "autoscaling/v2": "autoscaling/v2beta2",
};

const SLICES = "endpointslices.discovery.k8s.io";

/** Configs, and what `kubectl auth can-i --list` must show for their accounts beyond what everybody may do. */
const CASES: Readonly<Record<string, { discovery: object; rights: Readonly<Record<string, readonly string[]>> }>> = {
  "gw-everywhere": {
    discovery: { watch_endpoint_slices: true },
    rights: Object.fromEntries(NAMESPACES.map((one) => [one, [`${SLICES} [list watch]`]])),
  },
  "gw-two-namespaces": {
    discovery: { namespaces: [SHOP, CART], resolve_service_ports: true },
    rights: {
      [SHOP]: ["endpoints [list watch]", "services [list watch]"],
      [CART]: ["endpoints [list watch]", "services [list watch]"],
    },
  },
  "gw-polls": {
    discovery: { namespace_selector: { equal: SHOP }, watch_endpoint_slices: true, mode: "poll", poll_interval: 200 },
    rights: { [SHOP]: [`${SLICES} [list]`] },
  },
  "gw-asks": {
    discovery: { namespaces: [SHOP], mode: "request" },
    rights: { [SHOP]: ["endpoints [get]"] },
  },
};

type Fields = Readonly<Record<string, unknown>> & { readonly apiVersion: string; readonly kind: string };

let cluster: RealCluster;
let versions: ReadonlySet<string>;

/** The objects that `manifests` prints for a case. */
async function printed(name: string): Promise<Fields[]> {
  const folder = await mkdtemp(join(stateFolder(), "manifests-"));
  const config = {
    server: { listen: 18_080, access_log: false },
    admin: { listen: "127.0.0.1:19090" },
    discovery: { kubernetes: CASES[name]!.discovery },
    routes: [{ path: "/", service: `${SHOP}/web:http` }],
  };
  await writeFile(join(folder, "gateway.yaml"), JSON.stringify(config));
  const options = ["--json", "--hpa", "--name", name, "--namespace", EDGE];
  const { code, stdout, stderr } = await runCommand(["manifests", join(folder, "gateway.yaml"), ...options]);
  await rm(folder, { recursive: true });
  assertEquals(code, 0, stderr);
  return (JSON.parse(stdout) as { items: Fields[] }).items;
}

/** The object in a version that the server has. */
const asServed = (object: Fields): Fields =>
  versions.has(object.apiVersion) ? object : { ...object, apiVersion: OLDER[object.apiVersion] ?? object.apiVersion };

/** What an account may do in a namespace, as `RESOURCE [VERBS]`, lines about single objects and URLs with them. */
async function allowed(account: string, inNamespace: string): Promise<Set<string>> {
  const as = `--as=system:serviceaccount:${EDGE}:${account}`;
  const table = await cluster.kubectl("auth", "can-i", "--list", as, "--namespace", inNamespace);
  const lines = table.trim().split("\n").slice(1);
  return new Set(
    lines.map((line) =>
      line
        .replace(/\s+\[\]\s+\[\]\s+/, " ")
        .replace(/\s+/g, " ")
        .trim(),
    ),
  );
}

beforeAll(async () => {
  cluster = await useCluster("release");
  versions = new Set((await cluster.kubectl("api-versions")).split("\n"));
  const service = (one: string) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: one },
    spec: { clusterIP: "None", ports: [{ name: "http", port: 80 }] },
  });
  const sliceVersion = await cluster.sliceVersion();
  await cluster.apply(
    ...NAMESPACES.map(namespace),
    ...[SHOP, CART].flatMap((one) => [
      service(one),
      endpoints(one, "web", ["10.244.0.90"], PORTS),
      endpointSlice(sliceVersion, one, "web", "1", ["10.244.0.90"], PORTS),
    ]),
    serviceAccount(EDGE, "nobody"),
  );
  for (const name of Object.keys(CASES)) await cluster.apply(...(await printed(name)).map(asServed));
}, 120_000);

/** The gateway as the printed Deployment starts it: its config, its environment, and its account's files. */
async function startAsPod(name: string): Promise<GatewayProcess> {
  const objects = await printed(name);
  const data = objects.find(({ kind }) => kind === "ConfigMap")!.data as Record<string, string>;
  const token = await createToken(cluster, EDGE, name);
  const folder = await mkdtemp(join(stateFolder(), "account-"));
  await writeFile(join(folder, "token"), token);
  await writeFile(join(folder, "namespace"), EDGE);
  await writeFile(join(folder, "ca.crt"), await Bun.file(cluster.ca).text());
  const account = "/run/secrets/kubernetes.io/serviceaccount";
  const mounts = `mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir -p ${account} && mount --bind ${folder} ${account}`;
  return await startGateway({
    prefix: ["unshare", "--mount", "sh", "-c", `${mounts} && exec "$@"`, "sh"],
    config: data["gateway.yaml"]!,
    env: {
      KUBERNETES_SERVICE_HOST: cluster.host,
      KUBERNETES_SERVICE_PORT: String(cluster.port),
      PODWAY_ADMIN_TOKEN: ADMIN_TOKEN,
    },
  });
}

describe("the manifests on a real apiserver", () => {
  test("were all taken by it, each kind in the version printed or, where the server is older, in its own", async () => {
    for (const name of Object.keys(CASES)) {
      const objects = (await printed(name)).map(asServed);
      for (const { apiVersion, kind } of objects) assertEquals(versions.has(apiVersion), true, `${apiVersion} ${kind}`);
      const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
      const file = join(stateFolder(), `${name}.json`);
      await writeFile(file, list);
      // Nothing the server has dropped, defaulted otherwise or never had: there is no difference to what was applied.
      await cluster.kubectl("diff", "--filename", file);
      await cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename", file);
    }
  });

  for (const [name, { rights }] of Object.entries(CASES)) {
    test(`let the account of ${name} do what it needs, and nothing more`, async () => {
      for (const one of NAMESPACES) {
        const everybody = await allowed("nobody", one);
        const own = [...(await allowed(name, one))].filter((line) => !everybody.has(line)).sort();
        assertEquals(own, [...(rights[one] ?? [])].sort(), one);
      }
    });

    test(`let ${name} follow its cluster with that account's token, and it asks for nothing else`, async () => {
      await using gateway = await startAsPod(name);
      const ask = async (path: string, token = ADMIN_TOKEN): Promise<Response> =>
        fetch(`${gateway.adminUrl}${path}`, { headers: { authorization: `Bearer ${token}` } });
      const hosts = async (): Promise<string[]> => {
        const answer = await ask(`/v1/discovery/kubernetes/nodes?service=${SHOP}/web:http`);
        return ((await answer.json()) as { nodes: { host: string }[] }).nodes.map(({ host }) => host);
      };
      const address = `10.244.0.${91 + Object.keys(CASES).indexOf(name)}`;
      const has = (host: string) =>
        until(async () => (await hosts()).join() === host, { message: () => gateway.stderr.slice(-10).join("\n") });

      assertEquals((await gateway.admin("/readyz")).status, 200);
      assertEquals((await ask("/v1/discovery/kubernetes/dump", "wrong")).status, 401);
      await has(await currentHost());
      await cluster.apply(
        endpoints(SHOP, "web", [address], PORTS),
        endpointSlice(await cluster.sliceVersion(), SHOP, "web", "1", [address], PORTS),
      );
      await has(address);

      const requests = await cluster.requestsOf(`system:serviceaccount:${EDGE}:${name}`);
      assertEquals(
        requests.filter(({ status }) => status === 401 || status === 403),
        [],
      );
      const used = new Set(requests.filter(({ path }) => /endpoint|services/.test(path)).map(({ verb }) => verb));
      const granted = Object.values(rights).flatMap((lines) =>
        lines.flatMap((line) => /\[(.*)\]/.exec(line)![1]!.split(" ")),
      );
      assertEquals([...used].sort(), [...new Set(granted)].sort());
    });
  }
});

/** The address the service has now: each case changes it. */
async function currentHost(): Promise<string> {
  return await cluster.kubectl("get", "endpoints", "web", "-n", SHOP, "-o", "jsonpath={.subsets[0].addresses[0].ip}");
}
