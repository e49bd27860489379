/** Objects as a user would write them in YAML, for `RealCluster.apply`. */

export interface PortSpec {
  /** Absent: the port has no name. */
  name?: string;
  port: number;
}

interface ObjectOptions {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export const namespace = (name: string): object => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });

/** What the endpoints controller would write for a service whose pods have these addresses. */
export const endpoints = (
  namespace: string,
  name: string,
  ips: readonly string[],
  ports: readonly PortSpec[],
  options: ObjectOptions = {},
): object => ({
  apiVersion: "v1",
  kind: "Endpoints",
  metadata: { name, namespace, ...options },
  subsets: ips.length === 0 ? [] : [{ addresses: ips.map((ip) => ({ ip })), ports }],
});

/** One EndpointSlice of a service, in the version the server offers (`discovery.k8s.io/v1` or `v1beta1`). */
export const endpointSlice = (
  apiVersion: string,
  namespace: string,
  service: string,
  suffix: string,
  ips: readonly string[],
  ports: readonly PortSpec[],
): object => ({
  apiVersion,
  kind: "EndpointSlice",
  metadata: { name: `${service}-${suffix}`, namespace, labels: { "kubernetes.io/service-name": service } },
  addressType: "IPv4",
  endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
  ports,
});

export const serviceAccount = (namespace: string, name: string): object => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name, namespace },
});

export interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

/** All that the gateway needs where it reads Endpoints. */
export const READ_ENDPOINTS: Rule = { apiGroups: [""], resources: ["endpoints"], verbs: ["list", "watch"] };
/** All that the gateway needs where it reads EndpointSlices. */
export const READ_SLICES: Rule = {
  apiGroups: ["discovery.k8s.io"],
  resources: ["endpointslices"],
  verbs: ["list", "watch"],
};

/** Who gets a role. */
export type Subject = { kind: "User"; name: string } | { kind: "ServiceAccount"; name: string; namespace: string };

const subjectObject = (subject: Subject): object =>
  subject.kind === "User" ? { ...subject, apiGroup: "rbac.authorization.k8s.io" } : subject;

/** A ClusterRole with these rules and its binding: rights in every namespace. */
export const clusterRole = (name: string, rules: readonly Rule[], subject: Subject): object[] => [
  { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name }, rules },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    subjects: [subjectObject(subject)],
  },
];

/** A Role with these rules and its binding: rights in one namespace only. */
export const role = (namespace: string, name: string, rules: readonly Rule[], subject: Subject): object[] => [
  { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { name, namespace }, rules },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name, namespace },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    subjects: [subjectObject(subject)],
  },
];
