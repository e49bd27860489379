import { isObject, objectsOf } from "./objects.ts";
import type { Resource } from "./resources.ts";
import type { Json } from "./types.ts";

const withProtocol = (port: Json): Json => ({ ...port, protocol: port.protocol ?? "TCP" });

/**
 * Fills in what the apiserver's defaulting fills in, as far as clients of endpoints and kubectl can see it. `clusterIp`
 * allocates one.
 */
export function withDefaults(resource: Resource, object: Json, clusterIp: () => string): Json {
  switch (resource.kind) {
    case "Endpoints":
      return Array.isArray(object.subsets)
        ? {
            ...object,
            subsets: objectsOf(object.subsets).map((subset) =>
              Array.isArray(subset.ports) ? { ...subset, ports: objectsOf(subset.ports).map(withProtocol) } : subset,
            ),
          }
        : object;
    case "EndpointSlice":
      return {
        ...object,
        endpoints: object.endpoints ?? null,
        ports: Array.isArray(object.ports)
          ? objectsOf(object.ports).map((port) => withProtocol({ name: "", ...port }))
          : (object.ports ?? null),
      };
    case "Service": {
      const spec = isObject(object.spec) ? object.spec : {};
      const type = spec.type ?? "ClusterIP";
      const ip = spec.clusterIP || (type === "ExternalName" ? undefined : clusterIp());
      const ports = objectsOf(spec.ports).map((port) => ({
        ...withProtocol(port),
        targetPort: port.targetPort ?? port.port,
      }));
      return {
        ...object,
        spec: {
          ...spec,
          ...(ip !== undefined && { clusterIP: ip, clusterIPs: spec.clusterIPs ?? [ip] }),
          type,
          ...(ports.length > 0 && { ports }),
          sessionAffinity: spec.sessionAffinity ?? "None",
        },
        status: object.status ?? { loadBalancer: {} },
      };
    }
    case "Pod": {
      const spec = isObject(object.spec) ? object.spec : {};
      const defaults = {
        restartPolicy: "Always",
        terminationGracePeriodSeconds: 30,
        dnsPolicy: "ClusterFirst",
        schedulerName: "default-scheduler",
      };
      return {
        ...object,
        spec: { ...defaults, ...spec },
        status: object.status ?? { phase: "Pending", qosClass: "BestEffort" },
      };
    }
    case "Namespace":
      return {
        ...object,
        spec: object.spec ?? { finalizers: ["kubernetes"] },
        status: object.status ?? { phase: "Active" },
      };
    default:
      return object;
  }
}
