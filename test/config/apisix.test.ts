import { describe, test } from "bun:test";
import { readFileSync } from "node:fs";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { redactCluster } from "../../src/config/redact.ts";
import cases from "../fixtures/cases/apisix-cases.json" with { type: "json" };
import { config, errors, IN_POD, load, warnings } from "./support.ts";

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/config/apisix/${name}.yaml`, import.meta.url), "utf8");

const QUOTES_DROPPED = /label_selector has quotes, which an apiserver refuses: they are dropped$/;

for (const language of ["en", "zh"]) {
  describe(`APISIX's own example blocks paste in unchanged (${language})`, () => {
    test("the detailed single-cluster block gives a cluster of the pod, its selector mended with a warning", () => {
      const text = fixture(`single.${language}`);
      const { discovery } = config(text, IN_POD);
      assertEquals(discovery?.multi, false);
      const [cluster] = discovery!.clusters;
      assertEquals(cluster!.service?.host, "10.96.0.1");
      assertEquals(cluster!.service?.port, 443);
      assertEquals(cluster!.client.token_file, "/var/run/secrets/kubernetes.io/serviceaccount/token");
      assertEquals(cluster!.namespace_selector, { equal: "default" });
      assertEquals(cluster!.label_selector, "first=a,second=b");
      assertEquals(cluster!.shared_size, "1m");
      assertEquals(cluster!.default_weight, 50);
      assertEquals(cluster!.watch_endpoint_slices, false);
      const [warning, ...others] = warnings(text, IN_POD);
      assertEquals(others, []);
      assertMatch(warning!, QUOTES_DROPPED);
    });

    test("the minimal block is enough in a pod", () => {
      const [cluster] = config(fixture(`minimal.${language}`), IN_POD).discovery!.clusters;
      assertEquals(cluster!.service, {
        schema: "https",
        host: "10.96.0.1",
        port: 443,
        ssl_verify: true,
        ca_file: "/sa/ca.crt",
      });
      assertEquals(cluster!.client, { token_file: "/sa/token" });
      assertEquals(cluster!.namespace, "podway");
    });

    test("the block for outside a pod says at each of its empty keys what to fill in", () => {
      assertEquals(errors(fixture(`out-of-pod.${language}`)), [
        "5:7: discovery.kubernetes.service.host is empty: write the apiserver's address: IPv4, IPv6 or a host name, without scheme, port or path, or remove the key",
        "6:7: discovery.kubernetes.service.port is empty: write the apiserver's port, from 1 to 65535, or remove the key",
        "8:7: discovery.kubernetes.client.token is empty: write a service account's token, or a text such as ${TOKEN}, or remove the key",
      ]);
    });

    test("the multi-cluster block gives a cluster with its id, and the port written as text is a port", () => {
      const text = fixture(`multi.${language}`);
      const { discovery } = config(text, IN_POD);
      assertEquals(discovery?.multi, true);
      const [cluster] = discovery!.clusters;
      assertEquals(cluster!.id, "release");
      assertEquals(cluster!.service, { schema: "https", host: "1.cluster.com", port: 6443, ssl_verify: true });
      assertEquals(cluster!.label_selector, "first=a,second=b");
      assertEquals(warnings(text, IN_POD).length, 1);
    });
  });
}

interface Written {
  id: string | null;
  apiserver: { schema?: string; host?: string; port?: string };
  resource: string;
  default_weight?: number;
  shared_size?: string;
}

/** The config a case of APISIX's test suite was made with. */
function written({ id, apiserver, resource, default_weight, shared_size }: Written): object {
  return {
    ...(id === null ? {} : { id }),
    service: apiserver,
    client: { token: "${KUBERNETES_CLIENT_TOKEN}" },
    watch_endpoint_slices: resource === "endpointslices",
    ...(default_weight === undefined ? {} : { default_weight }),
    ...(shared_size === undefined ? {} : { shared_size }),
  };
}

describe("the effective config is the one APISIX has for the same block", () => {
  const env = {
    KUBERNETES_SERVICE_HOST: "10.96.0.1",
    KUBERNETES_SERVICE_PORT: "443",
    KUBERNETES_CLIENT_TOKEN: "the-token",
    MyPort: "8445",
  };
  /** APISIX shows variables by name, and the size its zone has when none is given; we show values, and have no zone. */
  const ours = (theirs: Record<string, unknown>, shared_size: string | undefined): Record<string, unknown> => {
    const {
      service,
      client,
      shared_size: _,
      ...rest
    } = theirs as { service: object; client: object; shared_size: string };
    const text = JSON.stringify(service).replace(/\$\{(\w+)\}/g, (_, name) => env[name as keyof typeof env]);
    const made = { ...rest, service: JSON.parse(text), client: { ...client, token: "xxx" } };
    return shared_size === undefined ? made : { ...made, shared_size };
  };

  for (const { id, discovery, steps } of cases.cases) {
    const effective = steps.map((step) => (step as { expect_effective_config?: unknown }).expect_effective_config)[0];
    if (effective === undefined) continue;
    test(id, () => {
      const clusters = discovery.clusters as Written[];
      const kubernetes = discovery.multi_cluster ? clusters.map(written) : written(clusters[0]!);
      const result = load(JSON.stringify({ discovery: { kubernetes } }), { env });
      assert(result.ok);
      const theirs = [effective].flat() as Record<string, unknown>[];
      for (const [index, cluster] of result.config.discovery!.clusters.entries()) {
        const wanted = ours(theirs[index]!, clusters[index]!.shared_size);
        const shown = redactCluster(cluster);
        assertEquals(Object.fromEntries(Object.keys(wanted).map((key) => [key, shown[key]])), {
          ...wanted,
          service: { ...(wanted.service as object), ssl_verify: true },
        });
        assertEquals("id" in shown, discovery.multi_cluster);
      }
    });
  }
});
