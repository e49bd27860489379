import { keyMetadata } from "../base/schema/key.ts";
import type { Path } from "./issues.ts";
import type { Config, FileFormat } from "./schema.ts";
import { walk } from "./walk.ts";

/** A file the config names, and the key that names it. */
export interface NamedFile {
  readonly path: Path;
  readonly name: string;
}

/** A config as a file would write it, one certificate without a list. */
function asFile({ discovery, server, routes, streams }: Config): unknown {
  const listener = <Part extends { readonly tls?: readonly unknown[] | undefined }>(part: Part) =>
    part.tls?.length === 1 ? { ...part, tls: part.tls[0] } : part;
  const clusters = discovery?.clusters.map(({ client, service, ...rest }) => ({ ...rest, client, service }));
  return {
    discovery: { kubernetes: discovery?.multi ? clusters : clusters?.[0] },
    server: listener(server),
    routes,
    streams: streams.map(listener),
  };
}

/** Every file to be read that a config names; modules of middleware and `snapshot_file` apart. */
export function namedFiles(format: FileFormat, config: Config): NamedFile[] {
  const named: NamedFile[] = [];
  walk(format.file, asFile(config), ({ path, value, schema }) => {
    const files = schema && keyMetadata(schema)?.files;
    if (files !== undefined && typeof value === "string") for (const name of files(value)) named.push({ path, name });
  });
  return named;
}
