import { type GatewayProcess, startGateway } from "../../helpers/gateway-process.ts";
import { until } from "../../helpers/wait.ts";
import type { RealCluster } from "./cluster.ts";

/** A node as the admin API gives it. */
export interface NodeShape {
  host: string;
  port: number;
  weight: number;
}

/** `/v1/discovery/kubernetes/nodes`. */
export interface NodesShape {
  service: string;
  nodes: NodeShape[];
  code?: string;
  reason?: string;
  available?: string[];
}

/** One cluster of `/v1/discovery/kubernetes/status`. */
export interface StatusShape {
  id?: string;
  state: string;
  stale: boolean;
  resourceVersion: string | null;
  services: number;
  endpoints: number;
  lastError: string | null;
}

/** `service` and `client` of a discovery block for this cluster. */
export const blockOf = (cluster: RealCluster, client: object): { service: object; client: object } => ({
  service: { host: cluster.host, port: cluster.port, ca_file: cluster.ca },
  client,
});

export interface RealGatewayOptions {
  routes?: object[];
  env?: Record<string, string>;
  files?: Record<string, string>;
}

/** A gateway on free ports of loopback with this `discovery.kubernetes`. */
export const gatewayWith = (
  kubernetes: object | object[],
  { routes = [], env, files }: RealGatewayOptions = {},
): Promise<GatewayProcess> =>
  startGateway({
    config: {
      server: { listen: "127.0.0.1:0", access_log: false },
      admin: { listen: "127.0.0.1:0" },
      discovery: { kubernetes },
      routes,
    },
    ...(env && { env }),
    ...(files && { files }),
  });

export async function nodesOf(gateway: GatewayProcess, reference: string): Promise<NodesShape> {
  const answer = await gateway.admin(`/v1/discovery/kubernetes/nodes?service=${encodeURIComponent(reference)}`);
  return (await answer.json()) as NodesShape;
}

export async function hostsOf(gateway: GatewayProcess, reference: string): Promise<string[]> {
  return (await nodesOf(gateway, reference)).nodes.map((node) => node.host);
}

/** The status of the cluster with this id; without one, of the only one. */
export async function statusOf(gateway: GatewayProcess, id?: string): Promise<StatusShape> {
  const answer = await gateway.admin("/v1/discovery/kubernetes/status");
  const { clusters } = (await answer.json()) as { clusters: StatusShape[] };
  const found = id === undefined ? clusters[0] : clusters.find((cluster) => cluster.id === id);
  if (found === undefined) throw new Error(`The status has no cluster ${id}: ${JSON.stringify(clusters)}`);
  return found;
}

/** What to look at when a gateway did not do what was awaited. */
async function trouble(gateway: GatewayProcess): Promise<string> {
  const status = await gateway.admin("/v1/discovery/kubernetes/status").then(
    (answer) => answer.text(),
    (error) => `no status: ${error}`,
  );
  return [status, ...gateway.stderr.slice(-15)].join("\n");
}

/** Waits until exactly these addresses serve the reference. */
export async function untilHosts(
  gateway: GatewayProcess,
  reference: string,
  hosts: readonly string[],
  timeout = 15_000,
): Promise<void> {
  await until(async () => Bun.deepEquals(await hostsOf(gateway, reference), [...hosts]), {
    timeout,
    message: async () =>
      `${reference} to have ${JSON.stringify(hosts)}, it has ${JSON.stringify(await nodesOf(gateway, reference))}\n${await trouble(gateway)}`,
  });
}

/** Waits until the cluster's client is in this state, and returns the status it was seen in. */
export async function untilState(
  gateway: GatewayProcess,
  state: string,
  { id, timeout = 15_000 }: { id?: string; timeout?: number } = {},
): Promise<StatusShape> {
  return await until(
    async () => {
      const status = await statusOf(gateway, id);
      return status.state === state && status;
    },
    { timeout, message: async () => `state ${state} of cluster ${id ?? ""}\n${await trouble(gateway)}` },
  );
}

/** `code` of a problem answer. */
export async function problemCode(answer: Response): Promise<string> {
  return ((await answer.json()) as { code: string }).code;
}
