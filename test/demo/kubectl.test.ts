import { afterAll, beforeAll, describe, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { EmbeddedApiserver, StoredObject } from "../../src/demo/apiserver.ts";
import { embedded } from "../helpers/embedded.ts";
import { until } from "../helpers/wait.ts";

const kubectl = Bun.which("kubectl");
if (!kubectl)
  process.stderr.write(
    "skipped: kubectl is not installed, so nothing shows that it works against the embedded apiserver\n",
  );

const MANIFEST = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop, labels: { app: web } }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: web-1, namespace: shop, labels: { app: web } }
spec: { containers: [{ name: web, image: "web:1", ports: [{ containerPort: 8080 }] }] }
---
apiVersion: v1
kind: Endpoints
metadata: { name: web, namespace: shop }
subsets:
  - addresses: [{ ip: 10.0.0.1, targetRef: { kind: Pod, name: web-1, namespace: shop } }, { ip: 10.0.0.2 }]
    ports: [{ name: http, port: 8080 }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-a, namespace: shop, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
endpoints:
  - { addresses: [10.0.0.1], conditions: { ready: true }, targetRef: { kind: Pod, name: web-1, namespace: shop } }
  - { addresses: [10.0.0.2], conditions: { ready: true } }
ports: [{ name: http, port: 8080, protocol: TCP }]
`;

describe.skipIf(!kubectl)("kubectl against the embedded apiserver", () => {
  let home: string;
  let api: EmbeddedApiserver;
  let server: Bun.Server<undefined>;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "podway-kubectl-"));
    await Bun.write(join(home, "all.yaml"), MANIFEST);
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  const start = (args: readonly string[], env: Record<string, string> = {}) =>
    Bun.spawn([kubectl!, `--server=http://127.0.0.1:${server.port}`, `--cache-dir=${home}/${server.port}`, ...args], {
      env: { PATH: process.env.PATH!, HOME: home, ...env },
      cwd: home,
      stdout: "pipe",
      stderr: "pipe",
    });

  /** Runs kubectl; stderr is part of the answer where it fails, and must be empty where it does not. */
  async function run(line: string, env?: Record<string, string>): Promise<string> {
    const child = start(
      line.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", "")),
      env,
    );
    const [code, out, err] = await Promise.all([
      child.exited,
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    if (code !== 0) return `exit ${code}: ${err}`;
    assertEquals(err.replaceAll(/Warning: v1 Endpoints is deprecated.*\n/g, ""), "", line);
    return out;
  }

  /** A server of its own for one test. */
  const withServer = (name: string, body: () => Promise<void>): void =>
    test(name, async () => {
      api = embedded();
      server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: (request) => api.fetch(request) });
      try {
        await body();
      } finally {
        api.close();
        await server.stop(true);
      }
    });

  const slice = (): StoredObject => api.get("EndpointSlice", "shop", "web-a")!;

  withServer("applies a file, again without a change, and then a changed one", async () => {
    assertEquals(
      (await run("apply -f all.yaml")).trim().split("\n"),
      ["namespace/shop", "service/web", "pod/web-1", "endpoints/web", "endpointslice.discovery.k8s.io/web-a"].map(
        (name) => `${name} created`,
      ),
    );
    const version = api.resourceVersion;
    assertStringIncludes(await run("apply -f all.yaml"), "endpointslice.discovery.k8s.io/web-a unchanged");
    assertEquals(api.resourceVersion, version);
    await Bun.write(join(home, "changed.yaml"), MANIFEST.replaceAll("10.0.0.2", "10.0.0.3"));
    assertStringIncludes(await run("apply -f changed.yaml --validate=false"), "endpoints/web configured");
    assertEquals(
      (slice().endpoints as { addresses: string[] }[]).map(({ addresses }) => addresses[0]),
      ["10.0.0.1", "10.0.0.3"],
    );
    assertStringIncludes(await run("apply --server-side -f all.yaml"), "endpoints/web serverside-applied");
    assertStringIncludes(await run("apply -f changed.yaml --dry-run=server"), "configured (server dry run)");
    assertStringIncludes(await run("delete -f all.yaml"), 'namespace "shop" deleted');
    assertEquals([api.list("EndpointSlice").length, api.get("Namespace", "", "shop")], [0, undefined]);
  });

  withServer("prints the columns people know", async () => {
    await run("apply -f all.yaml");
    const table = async (line: string) =>
      (await run(line))
        .trim()
        .split("\n")
        .map((row) => row.split(/\s{2,}/).map((cell) => cell.trim()));
    const [head, row] = await table("get pods -n shop -o wide");
    assertEquals(head!.slice(0, 7), ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]);
    assertEquals(row!.slice(0, 4), ["web-1", "0/1", "Pending", "0"]);
    const [services, service] = await table("get svc -A");
    assertEquals(services, ["NAMESPACE", "NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]);
    assertEquals([service![0], service![2], service![5]], ["shop", "ClusterIP", "80/TCP"]);
    assertEquals((await table("get endpoints -n shop"))[1]!.slice(0, 2), ["web", "10.0.0.1:8080,10.0.0.2:8080"]);
    assertEquals((await table("get endpointslices -n shop"))[1]!.slice(0, 4), [
      "web-a",
      "IPv4",
      "8080",
      "10.0.0.1,10.0.0.2",
    ]);
    assertEquals(
      (await table("get ns")).map(([name]) => name),
      ["NAME", "default", "kube-system", "shop"],
    );
    assertStringIncludes(await run("get all -n shop"), "service/web");
    for (const kind of ["nodes", "cm", "sa", "events"])
      assertEquals(await run(`get ${kind} -A --ignore-not-found`), "");
  });

  withServer("selects, and prints objects as YAML, JSON and paths", async () => {
    await run("apply -f all.yaml");
    assertEquals(await run("get svc -A -l app=web -o name"), "service/web\n");
    assertEquals(await run("get svc -A -l 'app notin (web)' -o name"), "");
    assertEquals(
      await run("get pods -A --field-selector metadata.name=web-1,status.phase=Pending -o name"),
      "pod/web-1\n",
    );
    assertStringIncludes(await run("get endpoints web -n shop -o yaml"), "kind: Endpoints\n");
    assertEquals(JSON.parse(await run("get endpointslices -n shop -o json")).items[0].kind, "EndpointSlice");
    assertEquals(await run("get endpointslice web-a -n shop -o jsonpath={.endpoints[1].addresses[0]}"), "10.0.0.2");
    assertStringIncludes(await run("describe svc web -n shop"), "TargetPort:");
    assertStringIncludes(await run("get pods -A --field-selector nope=1"), "field label not supported: nope");
    assertStringIncludes(await run("get pod nope -n shop"), 'Error from server (NotFound): pods "nope" not found');
  });

  withServer("deletes a pod, waits until it is gone, and finds it out of its endpoints", async () => {
    await run("apply -f all.yaml");
    assertMatch(await run("delete pod web-1 -n shop"), /^pod "web-1" deleted/);
    assertEquals(await run("get endpointslice web-a -n shop -o jsonpath={.endpoints[*].addresses}"), '["10.0.0.2"]');
    assertEquals(await run("get endpoints web -n shop -o jsonpath={.subsets[*].addresses[*].ip}"), "10.0.0.2");
  });

  withServer("creates, labels, annotates, patches in three ways, replaces and edits", async () => {
    await run("apply -f all.yaml");
    assertEquals(await run("create ns other"), "namespace/other created\n");
    assertEquals(await run("create configmap m --from-literal=a=b -n other"), "configmap/m created\n");
    assertStringIncludes(await run("create ns other"), 'namespaces "other" already exists');
    assertEquals(await run("create service clusterip db --tcp=5432:5433 -n shop"), "service/db created\n");
    assertEquals(
      await run("get svc db -n shop -o jsonpath={.spec.ports[0].port}/{.spec.ports[0].targetPort}"),
      "5432/5433",
    );
    assertEquals(await run("run extra --image=web:2 --port=8080 -n shop"), "pod/extra created\n");
    assertEquals(await run("expose pod extra --port=80 -n shop"), "service/extra exposed\n");
    assertEquals(
      await run("label endpointslice web-a extra=1 -n shop"),
      "endpointslice.discovery.k8s.io/web-a labeled\n",
    );
    assertEquals(
      await run("annotate endpointslice web-a podway.dev/weight=10 -n shop"),
      "endpointslice.discovery.k8s.io/web-a annotated\n",
    );
    assertEquals([slice().metadata.labels!.extra, slice().metadata.annotations!["podway.dev/weight"]], ["1", "10"]);
    await run(`patch endpointslice web-a -n shop --type=json -p '[{"op":"remove","path":"/endpoints/0"}]'`);
    assertEquals((slice().endpoints as object[]).length, 1);
    await run(`patch endpointslice web-a -n shop --type=merge -p '{"endpoints":[]}'`);
    assertEquals(slice().endpoints, []);
    await run(`patch svc web -n shop -p '{"spec":{"ports":[{"port":80,"name":"plain"},{"port":443,"name":"tls"}]}}'`);
    const ports = (api.get("Service", "shop", "web")!.spec as { ports: { name: string }[] }).ports;
    assertEquals(
      ports.map(({ name }) => name),
      ["plain", "tls"],
    );
    const edited = await run("edit endpointslice web-a -n shop", { EDITOR: "sed -i s/extra:.*/extra:\\ two/" });
    assertStringIncludes(edited, "edited");
    await run("replace -f all.yaml");
    assertEquals((slice().endpoints as object[]).length, 2);
    assertEquals(slice().metadata.labels!.extra, undefined);
  });

  withServer("is told what is wrong with an object", async () => {
    await Bun.write(
      join(home, "bad.yaml"),
      "apiVersion: v1\nkind: Endpoints\nmetadata: { name: x }\nsubsets: [{ addresses: [{ ip: nope }] }]\n",
    );
    assertStringIncludes(
      await run("apply -f bad.yaml"),
      'The Endpoints "x" is invalid: subsets[0].addresses[0].ip: Invalid value: "nope": must be a valid IP address',
    );
    const typo =
      "apiVersion: v1\nkind: Endpoints\nmetadata: { name: x }\nsubsets: [{ adresses: [{ ip: 10.0.0.1 }] }]\n";
    await Bun.write(join(home, "typo.yaml"), typo);
    assertStringIncludes(await run("apply -f typo.yaml"), 'strict decoding error: unknown field "subsets[0].adresses"');
  });

  withServer("follows with -w what others change", async () => {
    await run("apply -f all.yaml");
    const child = start(["get", "endpointslices", "-n", "shop", "-w"]);
    await until(() => api.openWatches.length === 1, { message: "kubectl watches" });
    await run("delete pod web-1 -n shop");
    const reader = child.stdout.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
    let text = "";
    while (text.split("\n").length < 4) text += (await reader.read()).value ?? "";
    const rows = text.trim().split("\n");
    assertMatch(rows[1]!, /^web-a +IPv4 +8080 +10\.0\.0\.1,10\.0\.0\.2 /);
    assertMatch(rows[2]!, /^web-a +IPv4 +8080 +10\.0\.0\.2 /);
    child.kill();
    await child.exited;
    await until(() => api.openWatches.length === 0, { message: "the watch is closed" });
  });

  withServer("knows what there is, and how things are", async () => {
    const resources = await run("api-resources");
    for (const name of ["endpoints", "endpointslices", "pods", "services", "namespaces"])
      assertStringIncludes(resources, name);
    assertStringIncludes(await run("api-versions"), "discovery.k8s.io/v1");
    assertStringIncludes(await run("version"), "Server Version: v1.32");
    assertEquals(await run("get --raw /readyz"), "ok");
    assert(api.requests.length > 0);
  });

  withServer("is refused without the token that is required", async () => {
    // Over plain HTTP kubectl sends no token at all, whatever it is given.
    api.settings.requireToken = "secret";
    assertStringIncludes(await run("get pods"), "You must be logged in to the server");
  });
});
