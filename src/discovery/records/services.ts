import type { Decoder } from "../../kubernetes/types.ts";
import { asList, asObject, asText, type DecoderOptions, readMeta } from "./object-reader.ts";

/** A Service's port, as far as it leads to an endpoint port: Kubernetes joins the two by name. */
interface RecordedPort {
  /** "" where it has none. */
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
}

/** What is kept of a Service. */
export interface ServiceRecord {
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  readonly type: string;
  /** The name an ExternalName service stands for; "" for other types. */
  readonly externalName: string;
  /** clusterIP None. */
  readonly headless: boolean;
  readonly ports: readonly RecordedPort[];
}

/** Reads `v1` Services. https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/ */
export function serviceDecoder({ keepNamespace }: DecoderOptions): Decoder<ServiceRecord> {
  return (object) => {
    const { root, meta } = readMeta(object, "Service");
    if (!keepNamespace(meta.namespace)) return undefined;
    const spec = asObject(root.spec) ?? {};
    const ports: RecordedPort[] = [];
    for (const item of asList(spec.ports, "a Service's ports")) {
      const port = asObject(item);
      if (typeof port?.port !== "number") continue;
      ports.push({ name: asText(port.name), port: port.port, protocol: asText(port.protocol) || "TCP" });
    }
    return {
      namespace: meta.namespace,
      name: meta.name,
      resourceVersion: meta.resourceVersion,
      type: asText(spec.type) || "ClusterIP",
      externalName: asText(spec.externalName),
      headless: spec.clusterIP === "None",
      ports,
    };
  };
}

/** True when no reader could tell the two apart; their versions may differ. */
export function sameService(a: ServiceRecord, b: ServiceRecord): boolean {
  return (
    a.type === b.type &&
    a.externalName === b.externalName &&
    a.headless === b.headless &&
    a.ports.length === b.ports.length &&
    a.ports.every((port, i) => {
      const other = b.ports[i]!;
      return port.name === other.name && port.port === other.port && port.protocol === other.protocol;
    })
  );
}
