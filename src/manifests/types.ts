import type { KubernetesObject } from "../kubernetes/types.ts";

/** What the user of `manifests` decides. */
export interface ManifestOptions {
  /** Of every object, a DNS label. */
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  readonly replicas: number;
  /** undefined: no autoscaler; else the most replicas it may make. */
  readonly maxReplicas: number | undefined;
  readonly serviceType: "ClusterIP" | "NodePort" | "LoadBalancer";
  /** False: the ConfigMap is made elsewhere, by Kustomize's generator for example. */
  readonly withConfig: boolean;
}

/** An object to apply, with what its reader should know. */
export interface Manifest {
  readonly object: KubernetesObject;
  /** Lines before the object in YAML. */
  readonly comment?: readonly string[] | undefined;
}

/** A file of the user's that the config names and the container needs. */
export interface ModuleFile {
  /** Relative to the config, without `./`. */
  readonly path: string;
  readonly text: string;
}

/** Where the container has its config; relative paths of the config start here too. */
export const CONFIG_FOLDER = "/etc/podway";
/** The config's name in it. */
export const CONFIG_NAME = "gateway.yaml";

/** The variable that holds the admin token where the config has none of its own. */
export const ADMIN_TOKEN_VARIABLE = "PODWAY_ADMIN_TOKEN";

/** The Secret that variables of the config are taken from. */
export const variablesSecret = ({ name }: Pick<ManifestOptions, "name">): string => `${name}-env`;
/** The Secret that holds files the config names. */
export const filesSecret = ({ name }: Pick<ManifestOptions, "name">): string => `${name}-files`;

/** Labels that choose the pods; they cannot change once the Deployment exists. */
export const podLabels = ({ name }: Pick<ManifestOptions, "name">): Record<string, string> => ({
  "app.kubernetes.io/name": "podway",
  "app.kubernetes.io/instance": name,
});
