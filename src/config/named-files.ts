import type { Path } from "./issues.ts";
import type { Config } from "./schema.ts";

/** A file the config names, and the key that names it. */
export interface NamedFile {
  readonly path: Path;
  readonly name: string;
}

const CLIENT_FILES = ["token_file", "cert_file", "key_file", "kubeconfig"] as const;

/** Every file that a config wants to read, in the file's order; modules of middleware and `snapshot_file` apart. */
export function namedFiles({ discovery, server, routes }: Config): NamedFile[] {
  const named: { path: Path; name: string | undefined }[] = [];
  for (const [index, { client, service }] of (discovery?.clusters ?? []).entries()) {
    const cluster: Path = ["discovery", "kubernetes", ...(discovery?.multi ? [index] : [])];
    for (const key of CLIENT_FILES) named.push({ path: [...cluster, "client", key], name: client[key] });
    named.push({ path: [...cluster, "service", "ca_file"], name: service?.ca_file });
  }
  for (const { cert_file, key_file } of server.tls ?? []) {
    named.push({ path: ["server", "tls", "cert_file"], name: cert_file });
    named.push({ path: ["server", "tls", "key_file"], name: key_file });
  }
  for (const [index, { upstream_tls }] of routes.entries()) {
    for (const key of ["ca_file", "cert_file", "key_file"] as const) {
      named.push({ path: ["routes", index, "upstream_tls", key], name: upstream_tls?.[key] });
    }
  }
  return named.filter((file): file is NamedFile => file.name !== undefined);
}
