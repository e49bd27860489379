import type { Manifests } from "./objects.ts";
import type { PodConfig } from "./pod-config.ts";
import { ADMIN_TOKEN_VARIABLE, filesSecret, type ManifestOptions, variablesSecret } from "./types.ts";
import { DOWNWARD } from "./variables.ts";

/** A command on several lines, as a shell takes it. */
const command = (start: string, parts: readonly string[]): string[] => [
  `  ${start}${parts.length === 0 ? "" : " \\"}`,
  ...parts.map((part, index) => `    ${part}${index < parts.length - 1 ? " \\" : ""}`),
];

/** The Secrets that must be there before the pods can start, as commands that make them. */
function secretsToMake(pod: PodConfig, { secretFiles }: Manifests, options: ManifestOptions): string[] {
  const create = `kubectl -n ${options.namespace} create secret generic`;
  const needed = pod.variables.filter(({ name, optional }) => DOWNWARD[name] === undefined && !optional);
  const values = needed.map(({ name }) =>
    name === ADMIN_TOKEN_VARIABLE ? `--from-literal=${name}="$(openssl rand -hex 32)"` : `--from-literal=${name}=…`,
  );
  const files = secretFiles.map(({ key, path }) => `--from-file=${key}=.${path}`);
  const commands = [
    ...(values.length === 0 ? [] : command(`${create} ${variablesSecret(options)}`, values)),
    ...(files.length === 0 ? [] : command(`${create} ${filesSecret(options)}`, files)),
  ];
  return commands.length === 0 ? [] : ["", "To be made before, with your own values:", ...commands];
}

/** What a reader of the manifests has to know and to do, in lines. */
export function notesOf(pod: PodConfig, made: Manifests, options: ManifestOptions, file: string): string[] {
  const notes = [
    `Podway for ${file}, in namespace ${options.namespace}; printed by \`podway manifests\`, to be piped to \`kubectl apply -f -\`.`,
    ...secretsToMake(pod, made, options),
  ];
  if (pod.changes.length > 0) {
    notes.push("", `Other than in ${file}:`, ...pod.changes.map((change) => `- ${change}.`));
  }
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
