import { heapStats } from "bun:jsc";
import { systemClock } from "../src/base/clock.ts";
import { endpointSliceDecoder } from "../src/discovery/records/endpoint-slices.ts";
import type { SliceRecord } from "../src/discovery/records/slice-record.ts";
import { createServiceViews } from "../src/discovery/store/service-views.ts";
import { createSnapshot } from "../src/discovery/store/snapshot.ts";

const SLICES = 10_000;
const PER_SLICE = 15;
const ENDPOINTS = SLICES * PER_SLICE;
const NAMESPACES = 50;

/** An EndpointSlice as the control plane writes it, managed fields and all, as JSON text. */
function sliceText(index: number, generation: number): string {
  const namespace = `namespace-${index % NAMESPACES}`;
  const service = `service-${index}`;
  const uid = (n: number): string =>
    `${index.toString(16).padStart(8, "0")}-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;
  return JSON.stringify({
    kind: "EndpointSlice",
    apiVersion: "discovery.k8s.io/v1",
    metadata: {
      name: `${service}-x${index.toString(36)}`,
      generateName: `${service}-`,
      namespace,
      uid: uid(0),
      resourceVersion: String(1_000_000 + index + generation * SLICES),
      labels: {
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": service,
      },
      ownerReferences: [{ apiVersion: "v1", kind: "Service", name: service, uid: uid(1), controller: true }],
      managedFields: [
        {
          manager: "kube-controller-manager",
          operation: "Update",
          apiVersion: "discovery.k8s.io/v1",
          fieldsType: "FieldsV1",
          fieldsV1: { "f:addressType": {}, "f:endpoints": {}, "f:metadata": { "f:labels": {} }, "f:ports": {} },
        },
      ],
    },
    addressType: "IPv4",
    endpoints: Array.from({ length: PER_SLICE }, (_, e) => ({
      addresses: [`10.${(index >> 8) & 255}.${index & 255}.${e + 1 + (generation % 2) * 100}`],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: "Pod", namespace, name: `${service}-7d9f8b6c5d-x${e.toString(36)}k2q`, uid: uid(e + 2) },
      nodeName: `node-${e}.eu-west-1.compute.internal`,
      zone: `eu-west-1${"abc"[e % 3]}`,
    })),
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  });
}

/** Bytes of live heap, strings and other memory outside cells included. */
function liveHeap(): number {
  Bun.gc(true);
  const { heapSize } = heapStats();
  return heapSize;
}

/** Nanoseconds of one call, over `count` calls. */
function nanoseconds(count: number, work: (i: number) => void): number {
  const started = performance.now();
  for (let i = 0; i < count; i++) work(i);
  return ((performance.now() - started) / count) * 1e6;
}

/** The most an endpoint may take of the heap. */
const BYTES_PER_ENDPOINT = 500;

/** Builds the snapshot of 10,000 slices of 15 endpoints through the real decoder, and measures it. */
export async function run({ json }: { json: boolean }): Promise<boolean> {
  const decode = endpointSliceDecoder({ keepNamespace: () => true });
  const snapshot = createSnapshot({ clock: systemClock });
  const views = createServiceViews({ defaultWeight: 50, addressFamily: "any", zone: undefined });
  const write = snapshot.writer("");
  // The decoder's own shared tables and compiled code are not the snapshot's.
  decode(JSON.parse(sliceText(0, 0)));

  const before = liveHeap();
  const rssBefore = process.memoryUsage().rss;
  const started = performance.now();
  const items: SliceRecord[] = [];
  for (let i = 0; i < SLICES; i++) items.push(decode(JSON.parse(sliceText(i, 0)))!);
  write({ kind: "replace", items });
  const buildMs = performance.now() - started;
  items.length = 0;
  const heap = liveHeap() - before;
  const rss = process.memoryUsage().rss - rssBefore;

  const keys = Array.from({ length: 1000 }, (_, i) => `namespace-${(i * 7) % NAMESPACES}/service-${i * 7}`);
  const wanted = { by: "port", text: "http" } as const;
  const read = (i: number): number => {
    const entry = snapshot.reader.get(keys[i % keys.length]!);
    return entry === undefined ? 0 : views.endpoints(entry, wanted, false).length;
  };
  const firstReadNs = nanoseconds(keys.length, read);
  const lookupNs = nanoseconds(1_000_000, read);

  const changed = Array.from({ length: 2000 }, (_, i) => sliceText(i, 1));
  const parseNs = nanoseconds(changed.length, (i) => JSON.parse(changed[i]!));
  const parsed = changed.map((text) => JSON.parse(text) as unknown);
  const putNs = nanoseconds(changed.length, (i) => write({ kind: "put", item: decode(parsed[i])! }));

  const { services, endpoints, bytes } = snapshot.reader.counts();
  const result = {
    slices: SLICES,
    services,
    endpoints,
    bytesPerEndpoint: Math.round(heap / ENDPOINTS),
    estimatedBytesPerEndpoint: Math.round(bytes / ENDPOINTS),
    heapMb: Math.round(heap / 1e5) / 10,
    rssMb: Math.round(rss / 1e5) / 10,
    buildMs: Math.round(buildMs),
    lookupNs: Math.round(lookupNs),
    firstReadNs: Math.round(firstReadNs),
    putNs: Math.round(putNs),
    parseNs: Math.round(parseNs),
    putToParse: Math.round((putNs / parseNs) * 100) / 100,
  };
  const text = json
    ? JSON.stringify(result)
    : [
        `snapshot of ${SLICES} EndpointSlices of ${PER_SLICE}: ${services} services, ${endpoints} endpoints`,
        `  heap           ${result.bytesPerEndpoint} bytes per endpoint (${result.heapMb} MB; at most ${BYTES_PER_ENDPOINT})`,
        `  estimate       ${result.estimatedBytesPerEndpoint} bytes per endpoint, as the metric says`,
        `  resident       ${result.rssMb} MB more than before, garbage of building it included`,
        `  build          ${result.buildMs} ms, JSON made and parsed included`,
        `  lookup         ${result.lookupNs} ns for a service's endpoints`,
        `  first read     ${result.firstReadNs} ns, and again after a change`,
        `  put            ${result.putNs} ns for a changed slice, decoded and stored (its JSON.parse: ${result.parseNs} ns)`,
      ].join("\n");
  process.stdout.write(`${text}\n`);
  return result.bytesPerEndpoint <= BYTES_PER_ENDPOINT;
}
