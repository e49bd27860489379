import type { Config } from "../config/schema.ts";
import type { KubernetesObject } from "../kubernetes/types.ts";
import type { PodConfig } from "./pod-config.ts";
import { type ContainerPort, containerPorts } from "./ports.ts";
import { CONFIG_FOLDER, CONFIG_NAME, type ManifestOptions, podLabels, variablesSecret } from "./types.ts";
import { DOWNWARD } from "./variables.ts";
import type { Volumes } from "./volumes.ts";

/** The unprivileged user of the image; any other number works as well. */
const USER = 65_532;

/** What a gateway takes on top of its drain to end. */
const END_SECONDS = 5;

/** Bun's largest number of requests in flight that it takes; unset it queues those beyond 256. */
const MAX_REQUESTS = { name: "BUN_CONFIG_MAX_HTTP_REQUESTS", value: "65336" };

/** What a worker is promised; it may take a whole processor where there is one. */
const MILLICORES_PER_WORKER = 250;

/** Every container tells these of itself, whether the config asks or not. */
const ALWAYS = ["POD_NAME", "POD_NAMESPACE"];

/** The environment: what the kubelet knows of the pod, and the config's variables from a Secret. */
function environment({ variables }: PodConfig, options: ManifestOptions): object[] {
  const asked = variables.map(({ name }) => name);
  const known = Object.entries(DOWNWARD).filter(([name]) => ALWAYS.includes(name) || asked.includes(name));
  const secret = variables.filter(({ name }) => DOWNWARD[name] === undefined);
  return [
    MAX_REQUESTS,
    ...known.map(([name, fieldPath]) => ({ name, valueFrom: { fieldRef: { fieldPath } } })),
    ...secret.map(({ name, optional }) => ({
      name,
      valueFrom: { secretKeyRef: { name: variablesSecret(options), key: name, ...(optional && { optional }) } },
    })),
  ];
}

/**
 * The kubelet asks the admin address, which needs no token for these two. Without one, a connection has to do: then a
 * pod is ready before it knows its clusters.
 */
function probes({ admin }: Config): object {
  const asks = (path: string) =>
    admin === false ? { tcpSocket: { port: "http" } } : { httpGet: { path, port: "admin" }, timeoutSeconds: 2 };
  return {
    startupProbe: { ...asks("/healthz"), periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...asks("/healthz"), periodSeconds: 10 },
    readinessProbe: { ...asks("/readyz"), periodSeconds: 2, failureThreshold: 2 },
  };
}

/** A quarter of a processor for each worker. No limit: a gateway that is throttled answers late. */
const processors = ({ server: { workers } }: Config): string =>
  workers === "auto" ? "1" : `${workers * MILLICORES_PER_WORKER}m`;

/** Replicas on different nodes, and in different zones, as far as that can be. */
const spread = (options: ManifestOptions) =>
  ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: podLabels(options) },
  }));

/** Ports below 1024 for a user that is not root; a safe sysctl from Kubernetes 1.22 on. */
function lowPorts(ports: readonly ContainerPort[]): object {
  const lowest = Math.min(...ports.map(({ containerPort }) => containerPort));
  if (lowest >= 1024) return {};
  return { sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: String(lowest) }] };
}

/** The Deployment: a container that may do nothing but serve. */
export function deployment(pod: PodConfig, volumes: Volumes, options: ManifestOptions): KubernetesObject {
  const { config } = pod;
  const { drain, drain_delay: delay } = config.server;
  const ports = containerPorts(config);
  const container = {
    name: "podway",
    image: options.image,
    args: ["--config", `${CONFIG_FOLDER}/${CONFIG_NAME}`],
    workingDir: CONFIG_FOLDER,
    ports,
    env: environment(pod, options),
    ...probes(config),
    resources: { requests: { cpu: processors(config), memory: "128Mi" }, limits: { memory: "512Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: volumes.mounts.map(({ volume, mountPath, readOnly }) => ({
      name: volume.name,
      mountPath,
      ...(readOnly && { readOnly }),
    })),
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: options.name, namespace: options.namespace, labels: podLabels(options) },
    spec: {
      // An autoscaler's number must not be set back by the next apply.
      ...(options.maxReplicas === undefined && { replicas: options.replicas }),
      selector: { matchLabels: podLabels(options) },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels: podLabels(options) },
        spec: {
          serviceAccountName: options.name,
          automountServiceAccountToken: config.discovery !== undefined,
          enableServiceLinks: false,
          // The gateway itself waits for `drain_delay` and drains: no preStop hook is needed, and the image has no
          // shell.
          terminationGracePeriodSeconds: Math.ceil((delay + drain) / 1000) + END_SECONDS,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: USER,
            runAsGroup: USER,
            fsGroup: USER,
            seccompProfile: { type: "RuntimeDefault" },
            ...lowPorts(ports),
          },
          topologySpreadConstraints: spread(options),
          containers: [container],
          volumes: volumes.mounts.map(({ volume }) => volume),
        },
      },
    },
  };
}
