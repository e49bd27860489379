import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { type GatewayProcess, startGateway } from "../../helpers/gateway-process.ts";
import { until } from "../../helpers/wait.ts";
import type { RealCluster } from "./cluster.ts";
import { endpointSlice, endpoints } from "./manifests.ts";
import { runTool } from "./run-tool.ts";

const FOLDER: string = join(import.meta.dir, "../../../examples");

/** A file of an example. */
export const exampleFile = (example: string, name: string): Promise<string> =>
  readFile(join(FOLDER, example, name), "utf8");

/** Applies an example's manifests. EndpointSlices get the version that the server has. */
export async function applyExample(cluster: RealCluster, example: string, file = "cluster.yaml"): Promise<void> {
  const version = await cluster.sliceVersion();
  const objects = parseAllDocuments(await exampleFile(example, file)).map((document) => {
    const object = document.toJS() as { apiVersion: string };
    return object.apiVersion.startsWith("discovery.k8s.io/") ? { ...object, apiVersion: version } : object;
  });
  await cluster.apply(...objects);
}

/** What the control plane would write for a service with these pods, were its controllers running. */
export async function writeEndpoints(
  cluster: RealCluster,
  { namespace, service, ips }: { namespace: string; service: string; ips: readonly string[] },
  ports: readonly { name: string; port: number }[],
): Promise<void> {
  await cluster.apply(
    endpoints(namespace, service, ips, ports),
    endpointSlice(await cluster.sliceVersion(), namespace, service, "x1", ips, ports),
  );
}

/** How an example is started. */
export interface ExampleOptions {
  readonly env?: Record<string, string>;
  readonly prefix?: readonly string[];
  /** Makes another config of the example's own. */
  readonly change?: (config: string) => string;
}

/** Starts the gateway with an example's config, on the ports a user would have. */
export async function startExample(
  example: string,
  { change = (config) => config, ...options }: ExampleOptions,
): Promise<GatewayProcess> {
  return await startGateway({ config: change(await exampleFile(example, "gateway.yaml")), ...options });
}

/** Runs an example's `request.sh` against the gateway; what it printed. */
export const sendExample = (example: string, { url, adminUrl }: GatewayProcess): Promise<string> =>
  runTool(["sh", join(FOLDER, example, "request.sh")], { env: { GATEWAY: url, ADMIN: adminUrl } });

/** What a pod told about a request that reached it. */
export interface Echo {
  method: string;
  path: string;
  url: string;
  headers: Record<string, string>;
  pod: string;
}

/** The JSON values that a request printed one after the other. */
export function valuesOf<T>(text: string): T[] {
  return text
    .trim()
    .split(/\n(?=\{)/)
    .map((one) => JSON.parse(one) as T);
}

/** Runs an example's request until `accept` has no objection: a gateway in its first moments may know of no pod yet. */
export async function untilSent<T>(
  example: string,
  gateway: GatewayProcess,
  accept: (values: T[]) => boolean,
): Promise<T[]> {
  let last = "";
  return await until(
    async () => {
      last = await sendExample(example, gateway);
      const values = valuesOf<T>(last);
      return accept(values) && values;
    },
    { message: () => `the request of ${example} to be answered as expected; last: ${last}` },
  );
}
