import { isObject, objectsOf, objectText } from "./objects.ts";
import type { Resource } from "./resources.ts";
import type { Json, StoredObject } from "./types.ts";

interface Column {
  readonly name: string;
  /** 0 is always shown, 1 with `-o wide`. */
  readonly priority: 0 | 1;
  readonly format: string;
  readonly cell: (object: StoredObject, now: number) => string | number;
}

const column = (name: string, cell: Column["cell"], priority: 0 | 1 = 0, format = ""): Column => ({
  name,
  priority,
  format,
  cell,
});

/** An age as kubectl shows it: two units at most, fewer the older. */
export function humanDuration(ms: number): string {
  const s = Math.floor(ms / 1000);
  if (s < 0) return "0s";
  const [m, h, d] = [Math.floor(s / 60), Math.floor(s / 3600), Math.floor(s / 86_400)];
  const two = (a: number, unit: string, b: number, small: string): string =>
    `${a}${unit}${b === 0 ? "" : `${b}${small}`}`;
  if (s < 120) return `${s}s`;
  if (m < 10) return two(m, "m", s % 60, "s");
  if (m < 180) return `${m}m`;
  if (h < 8) return two(h, "h", m % 60, "m");
  if (h < 48) return `${h}h`;
  if (h < 192) return two(d, "d", h % 24, "h");
  if (d < 730) return `${d}d`;
  return two(Math.floor(d / 365), "y", d % 365, "d");
}

const spec = (object: StoredObject): Json => (isObject(object.spec) ? object.spec : {});
const status = (object: StoredObject): Json => (isObject(object.status) ? object.status : {});
const text = (value: unknown): string =>
  value === undefined || value === null || value === "" ? "<none>" : String(value);
const some = (parts: readonly string[], most: number): string =>
  parts.length === 0
    ? "<none>"
    : parts.slice(0, most).join(",") + (parts.length > most ? ` + ${parts.length - most} more...` : "");

const NAME = column("Name", ({ metadata }) => metadata.name, 0, "name");
const AGE = column("Age", ({ metadata }, now) => humanDuration(now - Date.parse(metadata.creationTimestamp)));
const labels = (value: unknown): string =>
  isObject(value) && Object.keys(value).length > 0
    ? Object.entries(value)
        .map(([key, label]) => `${key}=${label}`)
        .join(",")
    : "<none>";

const join = (host: string, port: unknown): string => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);

function endpointsCell({ subsets }: StoredObject): string {
  const all = objectsOf(subsets).flatMap((subset) => {
    const addresses = objectsOf(subset.addresses).map((address) => String(address.ip));
    const ports = objectsOf(subset.ports);
    return ports.length === 0 ? addresses : addresses.flatMap((ip) => ports.map((port) => join(ip, port.port)));
  });
  return some(all, 3);
}

const containers = (pod: StoredObject): readonly Json[] => objectsOf(status(pod).containerStatuses);

const POD: readonly Column[] = [
  NAME,
  column(
    "Ready",
    (pod) => `${containers(pod).filter(({ ready }) => ready).length}/${objectsOf(spec(pod).containers).length}`,
  ),
  column("Status", (pod) =>
    pod.metadata.deletionTimestamp ? "Terminating" : text(status(pod).reason ?? status(pod).phase),
  ),
  column("Restarts", (pod) => containers(pod).reduce((sum, { restartCount }) => sum + Number(restartCount ?? 0), 0)),
  AGE,
  column("IP", (pod) => text(status(pod).podIP), 1),
  column("Node", (pod) => text(spec(pod).nodeName), 1),
  column("Nominated Node", (pod) => text(status(pod).nominatedNodeName), 1),
  column("Readiness Gates", () => "<none>", 1),
];

const servicePort = ({ port, nodePort, protocol }: Json): string =>
  `${port}${nodePort ? `:${nodePort}` : ""}/${protocol ?? "TCP"}`;

const SERVICE: readonly Column[] = [
  NAME,
  column("Type", (service) => text(spec(service).type ?? "ClusterIP")),
  column("Cluster-IP", (service) => text(spec(service).clusterIP)),
  column("External-IP", (service) =>
    text(spec(service).externalName ?? (spec(service).externalIPs as string[] | undefined)?.join(",")),
  ),
  column("Port(s)", (service) => some(objectsOf(spec(service).ports).map(servicePort), Number.POSITIVE_INFINITY)),
  AGE,
  column("Selector", (service) => labels(spec(service).selector), 1),
];

const SLICE: readonly Column[] = [
  NAME,
  column("AddressType", (slice) => text(slice.addressType)),
  column("Ports", (slice) =>
    slice.ports === undefined || slice.ports === null
      ? "<unset>"
      : some(
          objectsOf(slice.ports).map(({ port, name }) => String(port ?? name ?? "*")),
          3,
        ),
  ),
  column("Endpoints", (slice) =>
    some(
      objectsOf(slice.endpoints).flatMap(({ addresses }) => addresses as string[]),
      3,
    ),
  ),
  AGE,
];

const roles = (node: StoredObject): string => {
  const prefix = "node-role.kubernetes.io/";
  const found = Object.keys(node.metadata.labels ?? {}).filter((key) => key.startsWith(prefix));
  return some(found.map((key) => key.slice(prefix.length)).sort(), Number.POSITIVE_INFINITY);
};

const size = (value: unknown): number =>
  isObject(value) ? Object.keys(value).length : Array.isArray(value) ? value.length : 0;

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  pods: POD,
  services: SERVICE,
  endpoints: [NAME, column("Endpoints", endpointsCell), AGE],
  endpointslices: SLICE,
  namespaces: [NAME, column("Status", (namespace) => text(status(namespace).phase)), AGE],
  nodes: [
    NAME,
    column("Status", (node) =>
      objectsOf(status(node).conditions).some(({ type, status }) => type === "Ready" && status === "True")
        ? "Ready"
        : "NotReady",
    ),
    column("Roles", roles),
    AGE,
    column("Version", (node) => text((status(node).nodeInfo as Json | undefined)?.kubeletVersion)),
  ],
  configmaps: [NAME, column("Data", (map) => size(map.data) + size(map.binaryData)), AGE],
  serviceaccounts: [NAME, column("Secrets", (account) => size(account.secrets)), AGE],
  events: [
    column("Last Seen", (event, now) =>
      humanDuration(
        now - Date.parse(String(event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp)),
      ),
    ),
    column("Type", (event) => text(event.type)),
    column("Reason", (event) => text(event.reason)),
    column("Object", ({ involvedObject: object }) =>
      isObject(object) ? `${String(object.kind).toLowerCase()}/${object.name}` : "<none>",
    ),
    column("Message", (event) => text(event.message)),
  ],
};

/** How a table is written. */
export interface TableOptions {
  /** Milliseconds since the epoch: ages are counted from here. */
  readonly now: number;
  /** The request's `includeObject`: `None`, `Object`, else the metadata only. */
  readonly include: string;
  /** Later events of a watch leave the column definitions out. */
  readonly columns: boolean;
  readonly meta: Json;
}

function rowObject(object: StoredObject, include: string): string {
  if (include === "Object") return objectText(object);
  const partial = { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
  return JSON.stringify(partial);
}

/**
 * Prints objects as a `meta.k8s.io/v1` Table, the server-side printing kubectl asks for.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
export function tableText(resource: Resource, objects: readonly StoredObject[], options: TableOptions): string {
  const columns = COLUMNS[resource.plural]!;
  const definitions = columns.map(({ name, priority, format, cell: _cell }) => ({
    name,
    type: name === "Restarts" || name === "Data" || name === "Secrets" ? "integer" : "string",
    format,
    description: "",
    priority,
  }));
  const rows = objects.map((object) => {
    const cells = JSON.stringify(columns.map(({ cell }) => cell(object, options.now)));
    const whole = options.include === "None" ? "" : `,"object":${rowObject(object, options.include)}`;
    return `{"cells":${cells}${whole}}`;
  });
  const head = JSON.stringify({
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: options.meta,
    columnDefinitions: options.columns ? definitions : null,
  });
  return `${head.slice(0, -1)},"rows":[${rows.join(",")}]}`;
}
