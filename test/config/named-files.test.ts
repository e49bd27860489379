import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { keyMetadata } from "../../src/base/schema/key.ts";
import { namedFiles } from "../../src/config/named-files.ts";
import { FORMAT } from "../../src/gateway/format.ts";
import { keySchemas } from "./schema-walk.ts";
import { config } from "./support.ts";

test("every key that names a file to be read says so", () => {
  // A snapshot is written before it is read.
  const named = keySchemas().filter(({ path }) => /(?:_file|\.kubeconfig)$/.test(path) && !/snapshot_file$/.test(path));
  assertEquals(named.length > 20, true);
  assertEquals(
    named.filter(({ schema }) => keyMetadata(schema)?.files === undefined).map(({ path }) => path),
    [],
  );
});

test("the files of a config are found with the keys that name them", () => {
  const tls = "{ cert_file: /tls.crt, key_file: /tls.key }";
  const text = `
server: { listen: 8443, tls: ${tls} }
discovery:
  kubernetes:
    - { id: a, service: { host: a, port: 1, ca_file: /ca }, client: { token_file: /token } }
    - { id: b, client: { kubeconfig: "/one:/two" } }
routes:
  - { nodes: [{ host: a, port: 1 }], scheme: https, upstream_tls: { cert_file: /c, key_file: /k } }
streams:
  - { listen: 1, nodes: [{ host: a, port: 1 }], tls: [${tls}, { cert_file: /more.crt, key_file: /more.key }] }
`;
  const found = namedFiles(FORMAT, config(text)).map(({ path, name }) => `${path.join(".")} ${name}`);
  assertEquals(found, [
    "discovery.kubernetes.0.client.token_file /token",
    "discovery.kubernetes.0.service.ca_file /ca",
    "discovery.kubernetes.1.client.kubeconfig /one",
    "discovery.kubernetes.1.client.kubeconfig /two",
    "server.tls.cert_file /tls.crt",
    "server.tls.key_file /tls.key",
    "routes.0.upstream_tls.cert_file /c",
    "routes.0.upstream_tls.key_file /k",
    "streams.0.tls.0.cert_file /tls.crt",
    "streams.0.tls.0.key_file /tls.key",
    "streams.0.tls.1.cert_file /more.crt",
    "streams.0.tls.1.key_file /more.key",
  ]);
});
