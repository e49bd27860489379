import { describe, test } from "bun:test";
import { assertEquals, assertMatch } from "@std/assert";
import { cluster, config, errors, IN_POD, warnings } from "./support.ts";

const OUTSIDE = { env: {}, pod: {} };

describe("the defaults of a cluster", () => {
  test("a pod needs nothing but {}, and every key has the documented default", () => {
    assertEquals(cluster("{}"), {
      id: "",
      service: { schema: "https", host: "10.96.0.1", port: 443, ssl_verify: true, ca_file: "/sa/ca.crt" },
      client: { token_file: "/sa/token" },
      namespace: "podway",
      default_weight: 50,
      watch_endpoint_slices: false,
      mode: "watch",
      poll_interval: 5000,
      max_stale: 0,
      watch_idle: 75_000,
      empty_grace: 0,
      address_family: "any",
      resolve_service_ports: false,
      required: true,
    });
  });

  test("the apiserver's certificate is verified unless the file says otherwise, and then it warns", () => {
    assertEquals(cluster("{}").service?.ssl_verify, true);
    const text = "discovery:\n  kubernetes:\n    service: {ssl_verify: false}\n";
    assertEquals(config(text, IN_POD).discovery?.clusters[0]?.service?.ssl_verify, false);
    assertMatch(warnings(text, IN_POD)[0]!, /^3:15: discovery\.kubernetes\.service\.ssl_verify is false/);
  });

  test("the pod's CA is for https only, and the file's own CA wins over it", () => {
    assertEquals(cluster("{service: {schema: http}}").service?.ca_file, undefined);
    assertEquals(cluster("{service: {ca_file: /mine}}").service?.ca_file, "/mine");
  });

  test("the pod's token is named by its file, never read here, and the file's credentials replace it", () => {
    assertEquals(cluster("{client: {token: t}}").client, { token: "t" });
    assertEquals(cluster("{client: {token_file: /t}}").client, { token_file: "/t" });
    assertEquals(cluster("{client: {cert_file: /c, key_file: /k}}").client, { cert_file: "/c", key_file: "/k" });
  });

  test("a namespace is the pod's own, the file's where it names one, default outside a pod", () => {
    assertEquals(cluster("{}").namespace, "podway");
    assertEquals(cluster("{namespace: team-a}").namespace, "team-a");
    assertEquals(cluster("{service: {host: a, port: 1}}", OUTSIDE).namespace, "default");
  });

  test("an IPv6 apiserver may stand in brackets or not and is stored without", () => {
    assertEquals(cluster("{service: {host: '[fd00::1]'}}").service?.host, "fd00::1");
    assertEquals(cluster("{service: {host: 'fd00::1'}}").service?.host, "fd00::1");
    const env = { KUBERNETES_SERVICE_HOST: "[fd00::2]", KUBERNETES_SERVICE_PORT: "443" };
    assertEquals(cluster("{}", { env }).service?.host, "fd00::2");
  });
});

describe("every key of a cluster is taken over", () => {
  const keys: Record<string, unknown> = {
    namespaces: ["a", "b"],
    label_selector: "app=web,tier in (a,b)",
    default_weight: 0,
    watch_endpoint_slices: true,
    shared_size: "64m",
    namespace: "team-a",
    mode: "poll",
    poll_interval: 100,
    max_stale: 30_000,
    watch_idle: 1000,
    empty_grace: 500,
    address_family: "ipv6",
    resolve_service_ports: true,
    required: false,
  };
  for (const [key, value] of Object.entries(keys)) {
    test(key, () => {
      assertEquals(cluster(JSON.stringify({ [key]: value }))[key as "mode"], value as "poll");
    });
  }

  for (const selector of [{ equal: "a" }, { not_equal: "a" }, { match: ["^a$", "b"] }, { not_match: ["a"] }]) {
    test(`namespace_selector ${Object.keys(selector)[0]}`, () => {
      assertEquals(cluster(JSON.stringify({ namespace_selector: selector })).namespace_selector, selector);
    });
  }

  test("namespaces alone is enough for a Role instead of a ClusterRole", () => {
    const { namespaces, namespace_selector } = cluster("{namespaces: [shop]}");
    assertEquals(namespaces, ["shop"]);
    assertEquals(namespace_selector, undefined);
  });

  test("poll and request modes are modes like watch", () => {
    for (const mode of ["watch", "poll", "request"] as const) assertEquals(cluster(`{mode: ${mode}}`).mode, mode);
  });

  test("service.server_name and a client certificate are kept", () => {
    const { service, client } = cluster("{service: {server_name: kubernetes}, client: {cert_file: c, key_file: k}}");
    assertEquals(service?.server_name, "kubernetes");
    assertEquals([client.cert_file, client.key_file], ["c", "k"]);
  });
});

describe("a kubeconfig", () => {
  test("names the server itself: no default of the pod is mixed in", () => {
    const made = cluster("{client: {kubeconfig: /k, context: dev}}");
    assertEquals(made.service, undefined);
    assertEquals(made.client, { kubeconfig: "/k", context: "dev" });
  });

  test("keeps what stands beside it, which wins", () => {
    const made = cluster("{service: {ca_file: /ca}, client: {kubeconfig: /k, token_file: /t}}");
    assertEquals(made.service?.ca_file, "/ca");
    assertEquals(made.service?.host, undefined);
    assertEquals(made.client, { kubeconfig: "/k", token_file: "/t" });
  });
});

describe("several clusters", () => {
  const two = [
    "discovery:",
    "  kubernetes:",
    "    - {id: debug, service: {host: 1.example, port: 6443}, client: {token_file: /t}}",
    "    - {id: release, service: {schema: http, host: 2.example, port: 80}}",
    "    - {id: kube, client: {kubeconfig: /k}}",
  ].join("\n");

  test("each keeps its own words and gets nothing of the pod's service account", () => {
    const { multi, clusters } = config(two, IN_POD).discovery!;
    assertEquals(multi, true);
    assertEquals(
      clusters.map(({ id, service, client }) => ({ id, service, client })),
      [
        {
          id: "debug",
          service: { schema: "https", host: "1.example", port: 6443, ssl_verify: true },
          client: { token_file: "/t" },
        },
        { id: "release", service: { schema: "http", host: "2.example", port: 80, ssl_verify: true }, client: {} },
        { id: "kube", service: undefined, client: { kubeconfig: "/k" } },
      ],
    );
    assertEquals(warnings(two, IN_POD), []);
  });

  test("a cluster over https without credentials is warned of", () => {
    const text = "discovery:\n  kubernetes:\n    - {id: a, service: {host: b, port: 1}}\n";
    assertEquals(warnings(text), [
      "3:7: discovery.kubernetes[0].client has no credentials: the apiserver sees an anonymous client",
    ]);
  });

  test("ids may have 64 characters, as the documents of the format say", () => {
    const id = "a".repeat(64);
    const one = (name: string): string =>
      `discovery:\n  kubernetes:\n    - {id: ${name}, service: {host: b, port: 1}, client: {token: t}}\n`;
    assertEquals(config(one(id)).discovery?.clusters[0]?.id, id);
    assertEquals(errors(one(`${id}a`)).length, 1);
    assertEquals(errors(one("a-")).length, 1);
  });
});

describe("label selectors", () => {
  test("quotes are dropped with a warning, the rest stays as written", () => {
    const text = 'discovery:\n  kubernetes:\n    label_selector: \'app in ("a", "b"),tier!="c"\'\n';
    assertEquals(config(text, IN_POD).discovery?.clusters[0]?.label_selector, "app in (a, b),tier!=c");
    assertEquals(warnings(text, IN_POD), [
      "3:5: discovery.kubernetes.label_selector has quotes, which an apiserver refuses: they are dropped",
    ]);
  });
});

describe("discovery is off", () => {
  test("without discovery.kubernetes the file is valid and routes that name a service are warned of", () => {
    const text = "routes:\n  - {service: a/b}\n  - {path: /x, nodes: [{host: x, port: 1}]}\n";
    assertEquals(config(text).discovery, undefined);
    assertEquals(warnings(text), [
      "2:6: routes[0].service names a service, and there is no discovery.kubernetes: discovery is off and requests get a 503",
    ]);
  });
});
