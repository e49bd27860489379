import { kubeconfigPaths } from "../kubernetes/kubeconfig.ts";
import type { Path } from "./issues.ts";
import type { CertificatesConfig, Config, UpstreamTlsConfig } from "./schema.ts";

/** A file the config names, and the key that names it. */
export interface NamedFile {
  readonly path: Path;
  readonly name: string;
}

const CLIENT_FILES = ["token_file", "cert_file", "key_file"] as const;
const UPSTREAM_FILES = ["ca_file", "cert_file", "key_file"] as const;

/** Every file that a config wants to read, in the file's order; modules of middleware and `snapshot_file` apart. */
export function namedFiles({ discovery, server, routes, streams }: Config): NamedFile[] {
  const named: { path: Path; name: string | undefined }[] = [];
  for (const [index, { client, service }] of (discovery?.clusters ?? []).entries()) {
    const cluster: Path = ["discovery", "kubernetes", ...(discovery?.multi ? [index] : [])];
    for (const key of CLIENT_FILES) named.push({ path: [...cluster, "client", key], name: client[key] });
    for (const name of client.kubeconfig === undefined ? [] : kubeconfigPaths(client.kubeconfig)) {
      named.push({ path: [...cluster, "client", "kubeconfig"], name });
    }
    named.push({ path: [...cluster, "service", "ca_file"], name: service?.ca_file });
  }
  const serves = (path: Path, certificates: CertificatesConfig | undefined): void => {
    for (const { cert_file, key_file } of certificates ?? []) {
      named.push({ path: [...path, "tls", "cert_file"], name: cert_file });
      named.push({ path: [...path, "tls", "key_file"], name: key_file });
    }
  };
  const asks = (path: Path, tls: UpstreamTlsConfig | undefined): void => {
    for (const key of UPSTREAM_FILES) named.push({ path: [...path, "upstream_tls", key], name: tls?.[key] });
  };
  serves(["server"], server.tls);
  for (const [index, { upstream_tls }] of routes.entries()) asks(["routes", index], upstream_tls);
  for (const [index, { tls, upstream_tls }] of streams.entries()) {
    serves(["streams", index], tls);
    asks(["streams", index], upstream_tls);
  }
  return named.filter((file): file is NamedFile => file.name !== undefined);
}
