import type { ConfigIssue } from "../config/load.ts";
import { roleObjects } from "../kubernetes/rbac.ts";
import type { KubernetesObject } from "../kubernetes/types.ts";
import { accessOf, type ClusterAccess, unionOf } from "./access.ts";
import { deployment } from "./deployment.ts";
import type { PodConfig } from "./pod-config.ts";
import { servicePorts } from "./ports.ts";
import { type Manifest, type ManifestOptions, type ModuleFile, podLabels } from "./types.ts";
import { configData, layOutVolumes, type SecretFile } from "./volumes.ts";

/** Everything to apply, and what has to be there besides. */
export interface Manifests {
  readonly manifests: readonly Manifest[];
  readonly secretFiles: readonly SecretFile[];
  /** Clusters in which the gateway is another user than its service account. */
  readonly elsewhere: readonly ClusterAccess[];
}

const metadata = (options: ManifestOptions) => ({
  name: options.name,
  namespace: options.namespace,
  labels: podLabels(options),
});

/** The account, and the roles that give it the rights it needs in these clusters (which are one and the same). */
export function accountManifests(accesses: readonly ClusterAccess[], options: ManifestOptions): Manifest[] {
  const { name, namespace } = options;
  const ids = accesses.map(({ id }) => id).filter((id) => id !== "");
  const roles = roleObjects(unionOf(accesses), {
    name,
    subject: { kind: "ServiceAccount", name, namespace },
    labels: podLabels(options),
  });
  return [
    // The Deployment says whether its pods have the token.
    {
      object: {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: metadata(options),
        automountServiceAccountToken: false,
      },
    },
    ...roles.map((object, index) => ({
      object,
      comment: ids.length > 0 && index === 0 ? [`The least that this config needs in ${ids.join(", ")}.`] : undefined,
    })),
  ];
}

function configManifest(pod: PodConfig, modules: readonly ModuleFile[], options: ManifestOptions): Manifest {
  const data = configData(pod, modules);
  if (pod.secrets.length === 0) {
    return { object: { apiVersion: "v1", kind: "ConfigMap", metadata: metadata(options), data } };
  }
  const places = pod.secrets.map(({ line, path }) => `line ${line}: ${path}`);
  return {
    object: { apiVersion: "v1", kind: "Secret", metadata: metadata(options), type: "Opaque", stringData: data },
    comment: ["A Secret and no ConfigMap, because the config holds secrets as they are:", ...places],
  };
}

const service = (pod: PodConfig, options: ManifestOptions): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: metadata(options),
  spec: { type: options.serviceType, selector: podLabels(options), ports: servicePorts(pod.config) },
});

/** From Kubernetes 1.21 on. */
const disruptionBudget = (options: ManifestOptions): KubernetesObject => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: metadata(options),
  spec: { maxUnavailable: 1, selector: { matchLabels: podLabels(options) } },
});

/** From Kubernetes 1.23 on. */
const autoscaler = (maxReplicas: number, options: ManifestOptions): KubernetesObject => ({
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: metadata(options),
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: options.name },
    minReplicas: options.replicas,
    maxReplicas,
    metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } } }],
  },
});

/** The objects that run a config in a cluster, in the order in which they are best applied. */
export function makeManifests(
  pod: PodConfig,
  modules: readonly ModuleFile[],
  options: ManifestOptions,
): Manifests | { readonly errors: readonly ConfigIssue[] } {
  const volumes = layOutVolumes(pod, modules, options);
  if ("errors" in volumes) return volumes;
  const accesses = accessOf(pod.config.discovery);
  const { maxReplicas } = options;
  const manifests: Manifest[] = [
    ...accountManifests(
      accesses.filter(({ ownedBy }) => ownedBy === undefined),
      options,
    ),
    ...(options.withConfig ? [configManifest(pod, modules, options)] : []),
    { object: deployment(pod, volumes, options) },
    { object: service(pod, options) },
    { object: disruptionBudget(options) },
    ...(maxReplicas === undefined ? [] : [{ object: autoscaler(maxReplicas, options) }]),
  ];
  return {
    manifests,
    secretFiles: volumes.secretFiles,
    elsewhere: accesses.filter(({ ownedBy }) => ownedBy !== undefined),
  };
}
