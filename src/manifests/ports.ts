import type { Config } from "../config/schema.ts";

/** A port of the container. */
export interface ContainerPort {
  /** At most 15 characters, as Kubernetes wants it. */
  readonly name: string;
  readonly containerPort: number;
  readonly protocol: "TCP";
}

/** A port of the Service. */
export interface OfferedPort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: string;
  readonly protocol: "TCP";
}

/** The ports for traffic, with the one that a Service has for each. */
function trafficPorts({ server, streams }: Config): (ContainerPort & { readonly port: number })[] {
  const { tls, redirect_http: redirect } = server;
  const main = { containerPort: server.listen.port, port: tls === undefined ? 80 : 443 };
  return [
    { name: "http", ...main, protocol: "TCP" },
    ...(redirect === undefined
      ? []
      : [{ name: "redirect", containerPort: redirect, port: 80, protocol: "TCP" } as const]),
    ...streams.map(({ listen }, index) => ({
      name: `stream-${index}`,
      containerPort: listen.port,
      port: listen.port,
      protocol: "TCP" as const,
    })),
  ];
}

/** Every port the container listens on. */
export function containerPorts(config: Config): ContainerPort[] {
  const traffic = trafficPorts(config).map(({ port: _, ...port }) => port);
  if (config.admin === false) return traffic;
  return [...traffic, { name: "admin", containerPort: config.admin.listen.port, protocol: "TCP" }];
}

/** What the Service offers: traffic, and not the admin API. */
export const servicePorts = (config: Config): OfferedPort[] =>
  trafficPorts(config).map(({ name, port, protocol }) => ({ name, port, targetPort: name, protocol }));
