import type { Manifests } from "./objects.ts";
import type { PodConfig } from "./pod-config.ts";
import { ADMIN_TOKEN_VARIABLE, CONFIG_FOLDER, filesSecret, type ManifestOptions, variablesSecret } from "./types.ts";
import { DOWNWARD } from "./variables.ts";

/** A command on several lines, as a shell takes it. */
const command = (start: string, parts: readonly string[]): string[] => [
  `  ${start}${parts.length === 0 ? "" : " \\"}`,
  ...parts.map((part, index) => `    ${part}${index < parts.length - 1 ? " \\" : ""}`),
];

/** Where the machine that the config is written on has a file, by where the container has it. */
function pathHere(path: string, file: string): string {
  if (!path.startsWith(`${CONFIG_FOLDER}/`)) return path;
  const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/") + 1) : "./";
  return folder + path.slice(CONFIG_FOLDER.length + 1);
}

/** What must be there before the pods can start, as commands that make it: the namespace, and Secrets. */
export function stepsBefore(
  pod: PodConfig,
  { secretFiles }: Manifests,
  options: ManifestOptions,
  file: string,
): string[] {
  const create = `kubectl -n ${options.namespace} create secret generic`;
  const needed = pod.variables.filter(({ name, optional }) => DOWNWARD[name] === undefined && !optional);
  const values = needed.map(({ name }) =>
    name === ADMIN_TOKEN_VARIABLE ? `--from-literal=${name}="$(openssl rand -hex 32)"` : `--from-literal=${name}=…`,
  );
  const files = secretFiles.map(({ key, path }) => `--from-file=${key}=${pathHere(path, file)}`);
  const commands = [
    // It is there in every cluster.
    ...(options.namespace === "default" ? [] : [`  kubectl create namespace ${options.namespace}`]),
    ...(values.length === 0 ? [] : command(`${create} ${variablesSecret(options)}`, values)),
    ...(files.length === 0 ? [] : command(`${create} ${filesSecret(options)}`, files)),
  ];
  return commands.length === 0 ? [] : ["To be made before, with your own values:", ...commands];
}

/**
 * What is best done once they are applied. An autoscaler's number must not be set back by the next apply, so the
 * Deployment has none: it begins with one pod.
 */
export function stepsAfter({ name, namespace, replicas, maxReplicas }: ManifestOptions): string[] {
  if (maxReplicas === undefined || replicas === 1) return [];
  return [
    "After the first apply, unless one pod will do until the autoscaler has looked (15 s):",
    `  kubectl -n ${namespace} scale deployment ${name} --replicas=${replicas}`,
  ];
}

/** What a reader of the manifests has to know and to do, in lines. */
export function notesOf(pod: PodConfig, made: Manifests, options: ManifestOptions, file: string): string[] {
  const notes = [
    `Podway for ${file}, in namespace ${options.namespace}; printed by \`podway manifests\`, to be piped to \`kubectl apply -f -\`.`,
  ];
  const before = stepsBefore(pod, made, options, file);
  if (before.length > 0) notes.push("", ...before);
  if (pod.changes.length > 0) {
    notes.push("", `Other than in ${file}:`, ...pod.changes.map((change) => `- ${change}.`));
  }
  const after = stepsAfter(options);
  if (after.length > 0) notes.push("", ...after);
  for (const { id, ownedBy } of made.elsewhere) {
    const which = id === "" ? "The cluster" : `Cluster ${id}`;
    const rbac = `podway manifests ${file} --rbac${id === "" ? "" : ` --cluster ${id}`}`;
    notes.push(
      "",
      `${which} is reached by ${ownedBy} and not by the pod's service account: nothing here gives rights there.`,
      `What that account needs is printed by: ${rbac}`,
    );
  }
  return notes;
}
