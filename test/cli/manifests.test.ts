import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseAllDocuments } from "yaml";
import { manifests } from "../../src/cli/manifests.ts";

// biome-ignore lint/suspicious/noExplicitAny: Kubernetes objects, looked into by a path
type Fields = Record<string, any>;

/** Runs the command with these files on the machine. */
async function run(argv: readonly string[], files: Readonly<Record<string, string>>, env: Record<string, string> = {}) {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const code = await manifests(argv, {
    env,
    files: { readText: async (path) => files[path] ?? Promise.reject(new Error(`cannot read ${path}`)) },
    stdout: (line) => void stdout.push(line),
    stderr: (line) => void stderr.push(line),
  });
  return { code, stdout: stdout.join("\n"), stderr };
}

/** The objects printed for a config, by kind (the first of each), and all of them. */
async function objectsOf(config: string, argv: readonly string[] = [], more: Readonly<Record<string, string>> = {}) {
  const made = await run(["my/gateway.yaml", "--json", ...argv], { "my/gateway.yaml": config, ...more });
  assertEquals(made.code, 0, made.stderr.join("\n"));
  const all = (JSON.parse(made.stdout) as { items: Fields[] }).items;
  const first = (kind: string): Fields => all.find((object) => object.kind === kind)!;
  const spec = (): Fields => first("Deployment").spec.template.spec;
  return { ...made, all, kinds: all.map((object) => object.kind), first, spec };
}

const IN_POD = "discovery: { kubernetes: { watch_endpoint_slices: true } }\n";
const ROUTE = "routes: [{ path: /, service: shop/web:http }]\n";

describe("manifests", () => {
  test("prints what runs the config in a pod, in the order in which it is best applied", async () => {
    const { kinds } = await objectsOf(IN_POD + ROUTE, ["--hpa"]);
    assertEquals(kinds, [
      "ServiceAccount",
      "ClusterRole",
      "ClusterRoleBinding",
      "ConfigMap",
      "Deployment",
      "Service",
      "PodDisruptionBudget",
      "HorizontalPodAutoscaler",
    ]);
  });

  test("says how to come by a config where there is none", async () => {
    const { code, stderr } = await run([], {});
    assertEquals(
      [code, stderr],
      [2, ["cannot read ./gateway.yaml; name another file, or let `podway init` write one"]],
    );
  });

  test("prints the same as YAML, with what is to be made before as a comment", async () => {
    const files = { "./gateway.yaml": IN_POD + ROUTE };
    const text = (await run(["--namespace", "edge"], files)).stdout;
    const { items } = JSON.parse((await run(["--namespace", "edge", "--json"], files)).stdout);
    const documents = parseAllDocuments(text).map((document) => document.toJS());
    assertEquals(
      documents.filter((document) => document !== null),
      items,
    );
    assertStringIncludes(text, "# To be made before, with your own values:");
    assertStringIncludes(text, "#   kubectl -n edge create secret generic podway-env");
    assertStringIncludes(text, '--from-literal=PODWAY_ADMIN_TOKEN="$(openssl rand -hex 32)"');
  });

  test("says on stderr what must be made before, which a pipe to kubectl would hide", async () => {
    const text = `server: { tls: [{ cert_file: /tls/a/tls.crt, key_file: keys/tls.key }] }\n${IN_POD}`;
    const { stderr, stdout } = await run(["my/gateway.yaml", "-n", "edge"], { "my/gateway.yaml": text });
    assertEquals(stderr.slice(stderr.indexOf("To be made before, with your own values:") + 1), [
      "  kubectl create namespace edge",
      "  kubectl -n edge create secret generic podway-env \\",
      '    --from-literal=PODWAY_ADMIN_TOKEN="$(openssl rand -hex 32)"',
      "  kubectl -n edge create secret generic podway-files \\",
      "    --from-file=tls.crt=/tls/a/tls.crt \\",
      "    --from-file=tls.key=my/keys/tls.key",
    ]);
    for (const line of stderr) assert(!line.startsWith("  ") || stdout.includes(line), line);
  });

  test("asks whether a kubeconfig is meant for a pod", async () => {
    const text = `discovery: { kubernetes: { client: { kubeconfig: /home/me/.kube/config } } }\n${ROUTE}`;
    const { code, stderr } = await run(["gateway.yaml"], { "gateway.yaml": text });
    assertEquals(code, 0);
    assertStringIncludes(stderr.join("\n"), "For the pod's own cluster leave out client and service");
    assertStringIncludes(stderr.join("\n"), "--from-file=config=/home/me/.kube/config");
  });

  test("gives rights in the namespaces the config names, and in no others", async () => {
    const { all } = await objectsOf("discovery: { kubernetes: { namespaces: [shop, cart], mode: poll } }\n", [
      "--namespace",
      "edge",
      "--name",
      "gw",
    ]);
    const roles = all.filter(({ kind }) => /Role/.test(kind));
    assertEquals(
      roles.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`),
      ["Role shop/gw", "RoleBinding shop/gw", "Role cart/gw", "RoleBinding cart/gw"],
    );
    assertEquals(roles[0]!.rules, [{ apiGroups: [""], resources: ["endpoints"], verbs: ["list"] }]);
    assertEquals(roles[1]!.subjects, [{ kind: "ServiceAccount", name: "gw", namespace: "edge" }]);
  });

  test("without discovery there are no roles, and the pod has no token", async () => {
    const { kinds, spec } = await objectsOf("routes: [{ path: /, nodes: [{ host: a.test, port: 80 }] }]\n");
    assert(!kinds.some((kind) => /Role/.test(kind)));
    assertEquals(spec().automountServiceAccountToken, false);
  });
});

describe("the config in the manifests", () => {
  const configIn = (object: Fields): string => (object.data ?? object.stringData)["gateway.yaml"];

  test("stays as it is written where it can be served from a pod", async () => {
    const text = `# mine
server: { listen: 0.0.0.0:8080, drain_delay: 0 }
admin: { listen: 0.0.0.0:9090, token: "\${TOKEN}" }
${IN_POD}`;
    const { first } = await objectsOf(text);
    assertEquals(configIn(first("ConfigMap")), text);
  });

  test("gets addresses that the kubelet and the Service reach, a token, and time to drain; the rest stays", async () => {
    const { first, stderr } = await objectsOf(`# mine\nserver: { listen: 127.0.0.1:8080 } # here\n${IN_POD}`);
    const text = configIn(first("ConfigMap"));
    assertStringIncludes(text, "# mine\nserver: { listen: 0.0.0.0:8080, drain_delay: 5000 } # here\n");
    assertStringIncludes(text, "admin:\n  listen: 0.0.0.0:9090\n  token: ${PODWAY_ADMIN_TOKEN}\n");
    assertStringIncludes(stderr.join("\n"), "admin.listen is 0.0.0.0:9090: the kubelet asks");
  });

  test("that holds secrets is a Secret, and each is named on stderr with its place", async () => {
    const text = "discovery:\n  kubernetes:\n    client: { token: eyJhbGciOi }\nadmin: { token: s3cret }\n";
    const { kinds, first, spec, stderr } = await objectsOf(text);
    assert(!kinds.includes("ConfigMap"));
    assertStringIncludes(configIn(first("Secret")), "eyJhbGciOi");
    assertEquals(spec().volumes, [{ name: "config", secret: { secretName: "podway" } }]);
    const said = stderr.join("\n");
    assertStringIncludes(said, "my/gateway.yaml:3:22: discovery.kubernetes.client.token holds a secret as it is");
    assertStringIncludes(said, "my/gateway.yaml:4:17: admin.token holds a secret as it is");
    assert(!said.includes("eyJhbGciOi") && !said.includes("s3cret"));
  });

  test("is left out with --without-config, and read all the same", async () => {
    const { kinds, spec } = await objectsOf(IN_POD, ["--without-config"]);
    assert(!kinds.includes("ConfigMap"));
    assertEquals(spec().volumes, [{ name: "config", configMap: { name: "podway" } }]);
  });

  test("takes the user's modules along", async () => {
    const config = "routes: [{ path: /, nodes: [{ host: a, port: 1 }], middleware: [{ use: ./mw/mine.ts }] }]\n";
    const { first, spec } = await objectsOf(config, [], { "my/mw/mine.ts": "export default 1" });
    assertEquals(first("ConfigMap").data["mw-mine.ts"], "export default 1");
    assertEquals(spec().volumes[0].configMap.items, [
      { key: "gateway.yaml", path: "gateway.yaml" },
      { key: "mw-mine.ts", path: "mw/mine.ts" },
    ]);
  });

  test("with variables gets them from a Secret, and what the kubelet knows from the kubelet", async () => {
    const text = `server: { zone: "\${NODE_NAME}", log_level: "\${LEVEL:-info}" }
discovery: { kubernetes: { client: { token: "\${TOKEN}" } } } # \${COMMENT}
`;
    const { spec } = await objectsOf(text);
    const env = spec().containers[0].env as Fields[];
    const of = (name: string) => env.find((one) => one.name === name)?.valueFrom;
    assertEquals(of("TOKEN"), { secretKeyRef: { name: "podway-env", key: "TOKEN" } });
    assertEquals(of("LEVEL"), { secretKeyRef: { name: "podway-env", key: "LEVEL", optional: true } });
    assertEquals(of("NODE_NAME"), { fieldRef: { fieldPath: "spec.nodeName" } });
    assertEquals(of("COMMENT"), undefined);
    assertEquals(env[0], { name: "BUN_CONFIG_MAX_HTTP_REQUESTS", value: "65336" });
  });
});

describe("the pods of the manifests", () => {
  test("may do nothing but serve, end in their own time, and are asked at the admin address", async () => {
    const { spec } = await objectsOf(`server: { drain_delay: 3000, drain: 20500 }\n${IN_POD}`);
    const pod = spec();
    const [container] = pod.containers;
    assertEquals(pod.terminationGracePeriodSeconds, 29);
    assertEquals(pod.securityContext.runAsNonRoot, true);
    assertEquals(pod.securityContext.seccompProfile, { type: "RuntimeDefault" });
    assertEquals(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    assertEquals(container.readinessProbe.httpGet, { path: "/readyz", port: "admin" });
    assertEquals(container.livenessProbe.httpGet, { path: "/healthz", port: "admin" });
    assertEquals(
      container.ports.map(({ name, containerPort }: Fields) => [name, containerPort]),
      [
        ["http", 8080],
        ["admin", 9090],
      ],
    );
    assertEquals(
      pod.topologySpreadConstraints.map((one: Fields) => one.topologyKey),
      ["kubernetes.io/hostname", "topology.kubernetes.io/zone"],
    );
  });

  test("have the files the config names, where it names them", async () => {
    const text = `server: { tls: [{ cert_file: /tls/a/tls.crt, key_file: /tls/a/tls.key }] }
discovery:
  kubernetes: { service: { host: k, ca_file: certs/ca.crt }, snapshot_file: /var/lib/podway/s.json }
`;
    const { spec, stderr, first } = await objectsOf(text);
    const { volumes, containers } = spec();
    const files = "podway-files";
    assertEquals(volumes, [
      {
        name: "config",
        projected: {
          sources: [
            { configMap: { name: "podway" } },
            { secret: { name: files, items: [{ key: "ca.crt", path: "certs/ca.crt" }] } },
          ],
        },
      },
      {
        name: "files-tls-a",
        secret: {
          secretName: files,
          items: [
            { key: "tls.crt", path: "tls.crt" },
            { key: "tls.key", path: "tls.key" },
          ],
        },
      },
      { name: "data-var-lib-podway", emptyDir: {} },
    ]);
    assertEquals(containers[0].volumeMounts, [
      { name: "config", mountPath: "/etc/podway", readOnly: true },
      { name: "files-tls-a", mountPath: "/tls/a", readOnly: true },
      { name: "data-var-lib-podway", mountPath: "/var/lib/podway" },
    ]);
    assertStringIncludes(stderr.join("\n"), "--from-file=tls.key=");
    assertEquals(first("Service").spec.ports[0].port, 443);
  });

  test("of a config without admin API are asked for a connection, and that is said", async () => {
    const { spec, stderr } = await objectsOf(`admin: false\n${IN_POD}`);
    assertEquals(spec().containers[0].readinessProbe.tcpSocket, { port: "http" });
    assertStringIncludes(stderr.join("\n"), "admin: false leaves the kubelet nothing to ask");
  });

  test("have a port for each stream, and the Service too", async () => {
    const text = `streams: [{ listen: 127.0.0.1:5432, service: db/pg:pg }]\n${IN_POD}`;
    const { first, stderr } = await objectsOf(text);
    assertEquals(first("Service").spec.ports[1], {
      name: "stream-0",
      port: 5432,
      targetPort: "stream-0",
      protocol: "TCP",
    });
    assertStringIncludes(
      stderr.join("\n"),
      "streams: 127.0.0.1:5432 listens on 127.0.0.1, which nothing outside the pod reaches",
    );
  });

  test("that an autoscaler counts have no number of their own, and how to begin with several is said", async () => {
    const { first, stderr } = await objectsOf(IN_POD, ["--replicas", "3", "--max-replicas", "7"]);
    assertEquals(first("Deployment").spec.replicas, undefined);
    assertStringIncludes(stderr.join("\n"), "kubectl -n default scale deployment podway --replicas=3");
    const { minReplicas, maxReplicas } = first("HorizontalPodAutoscaler").spec;
    assertEquals([minReplicas, maxReplicas], [3, 7]);
    assertEquals((await objectsOf(IN_POD, ["--replicas", "3"])).first("Deployment").spec.replicas, 3);
  });

  test.each([
    ["{}", "250m"],
    ["{ workers: 4 }", "1000m"],
    ["{ workers: auto }", "1"],
  ])("of a server %s are promised %s of a processor", async (server, cpu) => {
    const { spec } = await objectsOf(`server: ${server}\n${IN_POD}`);
    assertEquals(spec().containers[0].resources.requests.cpu, cpu);
  });

  test("may listen on low ports without being root", async () => {
    const { spec } = await objectsOf(`server: { listen: 80 }\n${IN_POD}`);
    assertEquals(spec().securityContext.sysctls, [{ name: "net.ipv4.ip_unprivileged_port_start", value: "80" }]);
  });
});

describe("several clusters", () => {
  const TWO = `discovery:
  kubernetes:
    - id: here
      service: { host: 10.0.0.1, port: 443 }
      client: { token_file: /var/run/secrets/kubernetes.io/serviceaccount/token }
      namespaces: [shop]
    - id: there
      service: { host: 10.1.0.1, port: 443 }
      client: { token: "\${THERE}" }
`;

  test("give rights only where the pod's own account is asked for, and say how to get those of the others", async () => {
    const { all, stderr } = await objectsOf(TWO);
    const roles = all.filter(({ kind }) => /Role$/.test(kind));
    assertEquals(
      roles.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`),
      ["Role shop"],
    );
    const text = (await run([], { "./gateway.yaml": TWO })).stdout;
    assertStringIncludes(text, "# The least that this config needs in here.\napiVersion: rbac");
    assertStringIncludes(stderr.join("\n"), "Cluster there is reached by client.token");
    assertStringIncludes(stderr.join("\n"), "podway manifests my/gateway.yaml --rbac --cluster there");
  });

  test("have their account and roles printed one by one", async () => {
    const { kinds } = await objectsOf(TWO, ["--rbac", "--cluster", "there"]);
    assertEquals(kinds, ["ServiceAccount", "ClusterRole", "ClusterRoleBinding"]);
    const unknown = await run(["--rbac", "--cluster", "nowhere"], { "./gateway.yaml": TWO });
    assertEquals([unknown.code, unknown.stderr], [2, ["--cluster must be one of here, there"]]);
  });
});

describe("manifests refuses", () => {
  test.each([
    [["--replicas", "0"], "--replicas must be a whole number"],
    [["--max-replicas", "1"], "--max-replicas must be a whole number from --replicas (2)"],
    [["--name", "A b"], "--name must be a DNS label"],
    [["--namespace", "a/b"], "--namespace must be the name of a namespace"],
    [["--service-type", "x"], "--service-type must be one of ClusterIP, NodePort, LoadBalancer"],
    [["--cluster", "a"], "--cluster belongs to --rbac"],
    [["a.yaml", "b.yaml"], "one config at a time"],
    [["nowhere.yaml"], "cannot read nowhere.yaml"],
  ])("%p", async (argv, why) => {
    const { code, stderr, stdout } = await run(argv, { "./gateway.yaml": IN_POD });
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr.join("\n"), why);
  });

  test.each([
    ["server: { drian: 1 }\n", "gateway.yaml:1:11: server.drian is not a known key"],
    [
      "discovery: { kubernetes: { snapshot_file: s.json } }\n",
      "discovery.kubernetes.snapshot_file must be in a folder",
    ],
    [
      "discovery: { kubernetes: { service: { ca_file: /etc/ca.crt } } }\n",
      "discovery.kubernetes.service.ca_file is in /etc: a volume there would hide the image",
    ],
    [
      "routes: [{ path: /, nodes: [{ host: a, port: 1 }], middleware: [{ use: ../m.ts }] }]\n",
      "routes[0].middleware[0].use is not beside the config",
    ],
    ['discovery: { kubernetes: { namespaces: ["${NS}"] } }\n', "NS must be set for this command"],
    ['server: { drain: "${DRAIN}" }\n', "Not set here, and perhaps the reason: DRAIN"],
  ])("%s", async (config, why) => {
    const { code, stderr, stdout } = await run([], { "./gateway.yaml": config });
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr.join("\n"), why);
  });

  test("nothing for an unset variable that decides what is printed, once it is set", async () => {
    const config = 'discovery: { kubernetes: { namespaces: ["${NS}"] } }\n';
    const { code, stdout } = await run([], { "./gateway.yaml": config }, { NS: "shop" });
    assertEquals(code, 0);
    assertStringIncludes(stdout, "namespace: shop");
    assertStringIncludes(stdout, '["${NS}"]'.replace("[", "[ ").replace("]", " ]"));
  });
});
