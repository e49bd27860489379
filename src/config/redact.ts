import type { ClusterOptions } from "../discovery/options.ts";
import type { ConfigDocument } from "./document.ts";
import { type ConfigIssue, showPath } from "./issues.ts";
import { clusterSchema } from "./schema/discovery.ts";
import { streamSchema } from "./schema/stream.ts";
import type { Config, FileFormat, RouteConfig, StreamConfig } from "./schema.ts";
import { credentialParameters, hiddenPlaces, redacted } from "./shown.ts";

/** A part of a config without its secrets. */
export type Redacted = Readonly<Record<string, unknown>>;

/**
 * A cluster's config in the shape of APISIX's dump: `id` only where clusters have one, `service.port` as text, the
 * token as "xxx". Paths of files are no secret and are shown.
 */
export function redactCluster(cluster: ClusterOptions): Redacted {
  const { id, service, ...rest } = redacted(clusterSchema, cluster) as Record<string, unknown> & {
    service?: { port?: number };
  };
  return {
    ...(id === "" ? {} : { id }),
    ...(service && {
      service: { ...service, ...(service.port === undefined ? {} : { port: String(service.port) }) },
    }),
    ...rest,
  };
}

/** A route as it may be shown: "xxx" stands for whatever its schema does not call showable. */
export const redactRoute = (format: FileFormat, route: RouteConfig): Redacted =>
  redacted(format.route, route) as Redacted;

/** A stream as it may be shown. */
export const redactStream = (stream: StreamConfig): Redacted => redacted(streamSchema, stream) as Redacted;

/** The query parameters whose values are credentials of clients: they are not for logs. */
export const credentialQuery = (format: FileFormat, { routes }: Config): ReadonlySet<string> =>
  new Set(routes.flatMap((route) => credentialParameters(format.route, route)));

/** A whole config in force as it may be shown, every default filled in; `discovery.kubernetes` as the dump shows it. */
export function redactConfig(
  format: FileFormat,
  { server, admin, discovery, routes, streams, tracing }: Config,
): Redacted {
  const clusters = discovery?.clusters.map(redactCluster);
  const rest = redacted(format.file, { server, admin, tracing }) as Record<string, unknown>;
  return {
    ...rest,
    discovery: clusters === undefined ? {} : { kubernetes: discovery?.multi ? clusters : clusters[0] },
    routes: routes.map((route) => redactRoute(format, route)),
    streams: streams.map(redactStream),
  };
}

/**
 * What the file holds as it is and may be a secret, where it could name an environment variable: an error that is none
 * while the file is kept like a secret. Each is reported at its place, and none is shown.
 */
export const literalSecrets = (format: FileFormat, document: ConfigDocument): ConfigIssue[] =>
  hiddenPlaces(format.file, document.root)
    .filter((path) => document.envOf(path) === "none")
    .map((path) =>
      document.issue(
        path,
        `${showPath(path)} holds a secret as it is, or what may be one: write \${NAME} in its place`,
      ),
    );
