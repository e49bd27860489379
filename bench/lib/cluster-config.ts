import type { ClusterOptions } from "../../src/discovery/options.ts";

/** A cluster's configuration with its defaults, and EndpointSlices. */
export const clusterConfig: ClusterOptions = {
  id: "",
  service: { schema: "http", host: "127.0.0.1", port: 80, ssl_verify: true },
  client: {},
  default_weight: 50,
  watch_endpoint_slices: true,
  namespace: "default",
  mode: "watch",
  poll_interval: 5000,
  max_stale: 0,
  watch_idle: 75_000,
  empty_grace: 0,
  address_family: "any",
  resolve_service_ports: false,
  required: true,
};
