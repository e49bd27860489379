/** One pod of the demo, and where it listens. */
export interface DemoPod {
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly uid: string;
}

/** Where the demo's service is. */
export const NAMESPACE = "demo";
export const SERVICE = "echo";

const LABELS = { app: SERVICE };
const PORT_NAME = "http";

/** A pod as a kubelet reports it once it is ready. */
export function podObject({ name, ip, port, uid }: DemoPod, started: string): object {
  const image = "podway/echo:demo";
  const condition = (type: string) => ({ type, status: "True", lastTransitionTime: started });
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: NAMESPACE, uid, labels: LABELS },
    spec: {
      nodeName: "demo-node",
      serviceAccountName: "default",
      containers: [{ name: SERVICE, image, ports: [{ name: PORT_NAME, containerPort: port, protocol: "TCP" }] }],
    },
    status: {
      phase: "Running",
      conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map(condition),
      hostIP: "127.0.0.1",
      podIP: ip,
      podIPs: [{ ip }],
      startTime: started,
      containerStatuses: [
        {
          name: SERVICE,
          image,
          ready: true,
          started: true,
          restartCount: 0,
          state: { running: { startedAt: started } },
        },
      ],
      qosClass: "BestEffort",
    },
  };
}

const targetRef = ({ name, uid }: DemoPod): object => ({ kind: "Pod", namespace: NAMESPACE, name, uid });

/** Pods that share a port stand in one subset or slice, as in a cluster; others need one each. */
function byPort(pods: readonly DemoPod[]): DemoPod[][] {
  const groups = new Map<number, DemoPod[]>();
  for (const pod of pods) groups.set(pod.port, [...(groups.get(pod.port) ?? []), pod]);
  return [...groups.values()];
}

/** The Service, its Endpoints and its EndpointSlices, as a cluster's controllers would write them. */
export function serviceObjects(pods: readonly DemoPod[]): object[] {
  const groups = byPort(pods);
  const port = (group: readonly DemoPod[]) => ({ name: PORT_NAME, port: group[0]!.port, protocol: "TCP" });
  const owned = {
    "kubernetes.io/service-name": SERVICE,
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
  };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: SERVICE, namespace: NAMESPACE, labels: LABELS },
    spec: { selector: LABELS, ports: [{ name: PORT_NAME, port: 80, targetPort: PORT_NAME }] },
  };
  const endpoints = {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: SERVICE, namespace: NAMESPACE, labels: LABELS },
    subsets: groups.map((group) => ({
      addresses: group.map((pod) => ({ ip: pod.ip, nodeName: "demo-node", targetRef: targetRef(pod) })),
      ports: [port(group)],
    })),
  };
  const slices = groups.map((group, index) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${SERVICE}-${index + 1}`, namespace: NAMESPACE, labels: { ...LABELS, ...owned } },
    addressType: "IPv4",
    endpoints: group.map((pod) => ({
      addresses: [pod.ip],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: "demo-node",
      targetRef: targetRef(pod),
    })),
    ports: [port(group)],
  }));
  return [service, endpoints, ...slices];
}

/** The gateway's config for the demo's cluster. */
export const configText = (apiserverPort: number): string => `# The demo: everything goes to the echo pods.
discovery:
  kubernetes:
    service: { schema: http, host: 127.0.0.1, port: ${apiserverPort} }
    watch_endpoint_slices: true
routes:
  - id: ${SERVICE}
    path: /
    service: ${NAMESPACE}/${SERVICE}:${PORT_NAME}
`;
