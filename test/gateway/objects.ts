import type { ServedApiserver } from "../helpers/embedded.ts";

/** Where a name may carry its namespace: `shop/web`; without one it is `default`. */
function named(name: string): { namespace: string; name: string } {
  const [first = "", second] = name.split("/");
  return second === undefined ? { namespace: "default", name: first } : { namespace: first, name: second };
}

/** An address, or an endpoint of a slice as it is written in Kubernetes. */
export type EndpointSketch = string | { addresses: string[]; [field: string]: unknown };

/** A port of a slice: its number, or with a name. */
export type PortSketch = number | { name?: string | null; port: number; protocol?: string };

/** An EndpointSlice. `suffix` names it where a service has several. */
export function slice(
  service: string,
  endpoints: readonly EndpointSketch[],
  ports: PortSketch | readonly PortSketch[],
  { suffix = "1", ...more }: { suffix?: string; addressType?: string; metadata?: object } = {},
): object {
  const { namespace, name } = named(service);
  const { metadata, ...fields } = more;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${name}-${suffix}`,
      namespace,
      labels: { "kubernetes.io/service-name": name },
      ...metadata,
    },
    addressType: "IPv4",
    endpoints: endpoints.map((one) =>
      typeof one === "string" ? { addresses: [one], conditions: { ready: true } } : one,
    ),
    ports: [ports].flat().map((port) => (typeof port === "number" ? { name: "http", port } : port)),
    ...fields,
  };
}

/** An Endpoints object. */
export function endpoints(
  service: string,
  addresses: readonly string[],
  ports: PortSketch | readonly PortSketch[],
  annotations?: Record<string, string>,
): object {
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { ...named(service), ...(annotations && { annotations }) },
    subsets: [
      {
        addresses: addresses.map((ip) => ({ ip })),
        ports: [ports].flat().map((port) => (typeof port === "number" ? { name: "http", port } : port)),
      },
    ],
  };
}

/** A `discovery.kubernetes` block for an embedded apiserver; EndpointSlices unless it says otherwise. */
export const clusterBlock = ({ url }: ServedApiserver, settings: object = {}): object => ({
  service: { schema: "http", host: "127.0.0.1", port: Number(new URL(url).port) },
  watch_endpoint_slices: true,
  ...settings,
});

/** A config with one cluster. */
export const oneCluster = (api: ServedApiserver, routes: readonly object[], settings: object = {}): object => ({
  discovery: { kubernetes: clusterBlock(api, settings) },
  routes,
});
