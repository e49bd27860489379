import { showPath } from "../config/issues.ts";
import type { ConfigIssue } from "../config/load.ts";
import { type NamedFile, namedFiles } from "../config/named-files.ts";
import { FORMAT } from "../gateway/format.ts";
import { SERVICE_ACCOUNT_FOLDER } from "../kubernetes/service-account.ts";
import type { PodConfig } from "./pod-config.ts";
import { CONFIG_FOLDER, CONFIG_NAME, filesSecret, type ManifestOptions, type ModuleFile } from "./types.ts";

/** A volume and where the container has it. */
interface Mount {
  readonly volume: { readonly name: string; readonly [source: string]: unknown };
  readonly mountPath: string;
  readonly readOnly: boolean;
}

/** A file of the Secret that holds what the config names. */
export interface SecretFile {
  readonly key: string;
  /** Where the container has it. */
  readonly path: string;
}

/** What of the container's file system is not the image's. */
export interface Volumes {
  readonly mounts: readonly Mount[];
  readonly secretFiles: readonly SecretFile[];
}

/** An absolute path in the container, `.` and `..` resolved. */
function inContainer(path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${CONFIG_FOLDER}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/")) || "/";
const isUnder = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** A volume over one of these would hide what the image has there. */
const isOwnFolder = (folder: string): boolean => folder.split("/").length > 2;

/** Keys of a Secret or ConfigMap are letters, digits, `-`, `_` and `.`. */
const keyOf = (path: string): string => path.replace(/^\/+/, "").replace(/[^-._a-zA-Z0-9]+/g, "-");

const volumeName = (folder: string): string =>
  keyOf(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(-50)
    .replace(/^-+/, "");

/** The files of the config, each once, with the key of the Secret it is in: its own name, where that is not taken. */
function secretFiles(named: readonly NamedFile[]): SecretFile[] {
  const paths = [...new Set(named.map(({ name }) => inContainer(name)))];
  const bases = Map.groupBy(paths, (path) => path.slice(path.lastIndexOf("/") + 1));
  return paths.map((path) => {
    const base = path.slice(path.lastIndexOf("/") + 1);
    return { path, key: bases.get(base)!.length === 1 ? keyOf(base) : keyOf(path) };
  });
}

/** Beside the config: its text, the user's modules, and files that the config names under the same folder. */
function configVolume(pod: PodConfig, modules: readonly ModuleFile[], beside: readonly SecretFile[], name: string) {
  const secret = pod.secrets.length > 0;
  const items = modules.some(({ path }) => path.includes("/"))
    ? [CONFIG_NAME, ...modules.map(({ path }) => path)].map((path) => ({ key: keyOf(path), path }))
    : undefined;
  const optional = items && { items };
  if (beside.length === 0) {
    return secret ? { secret: { secretName: name, ...optional } } : { configMap: { name, ...optional } };
  }
  const own = { name, ...optional };
  const files = beside.map(({ key, path }) => ({ key, path: path.slice(CONFIG_FOLDER.length + 1) }));
  return {
    projected: {
      sources: [
        secret ? { secret: own } : { configMap: own },
        { secret: { name: filesSecret({ name }), items: files } },
      ],
    },
  };
}

/** The data of the ConfigMap (or, with secrets in it, of the Secret) that the volume of the config is made of. */
export const configData = (pod: PodConfig, modules: readonly ModuleFile[]): Record<string, string> =>
  Object.fromEntries([[CONFIG_NAME, pod.text], ...modules.map(({ path, text }) => [keyOf(path), text])]);

/** Every file of the config outside its folder must have a folder that a volume may take the place of. */
function misplaced(pod: PodConfig, named: readonly NamedFile[]): ConfigIssue[] {
  const { source, config } = pod;
  const issues = named
    .filter(({ name }) => !isOwnFolder(folderOf(inContainer(name))))
    .map(({ path, name }) =>
      source.issue(path, `${showPath(path)} is in ${folderOf(inContainer(name))}: a volume there would hide the image`),
    );
  for (const [index, { snapshot_file: file }] of (config.discovery?.clusters ?? []).entries()) {
    const folder = file === undefined ? undefined : folderOf(inContainer(file));
    if (folder === undefined || (isOwnFolder(folder) && !isUnder(folder, CONFIG_FOLDER))) continue;
    const path = ["discovery", "kubernetes", ...(config.discovery?.multi ? [index] : []), "snapshot_file"];
    const where = "must be in a folder of its own that a volume can be, such as /var/lib/podway";
    issues.push(source.issue(path, `${showPath(path)} ${where}: ${folder} cannot be written to in the pod`));
  }
  return issues;
}

/** Lays out the volumes of a config, or says which paths it names cannot be had in a pod. */
export function layOutVolumes(
  pod: PodConfig,
  modules: readonly ModuleFile[],
  { name }: Pick<ManifestOptions, "name">,
): Volumes | { readonly errors: readonly ConfigIssue[] } {
  const named = namedFiles(FORMAT, pod.config).filter(
    (file) => !isUnder(inContainer(file.name), SERVICE_ACCOUNT_FOLDER),
  );
  const errors = misplaced(pod, named);
  if (errors.length > 0) return { errors };

  const files = secretFiles(named);
  const beside = files.filter(({ path }) => isUnder(path, CONFIG_FOLDER));
  const elsewhere = Map.groupBy(
    files.filter((file) => !beside.includes(file)),
    ({ path }) => folderOf(path),
  );
  const snapshots = (pod.config.discovery?.clusters ?? []).flatMap(({ snapshot_file: file }) =>
    file === undefined ? [] : [folderOf(inContainer(file))],
  );
  const mounts: Mount[] = [
    {
      volume: { name: "config", ...configVolume(pod, modules, beside, name) },
      mountPath: CONFIG_FOLDER,
      readOnly: true,
    },
    ...[...elsewhere].map(([folder, there]) => ({
      volume: {
        name: `files-${volumeName(folder)}`,
        secret: {
          secretName: filesSecret({ name }),
          items: there.map(({ key, path }) => ({ key, path: path.slice(folder.length + 1) })),
        },
      },
      mountPath: folder,
      readOnly: true,
    })),
    ...[...new Set(snapshots)].map((folder) => ({
      volume: { name: `data-${volumeName(folder)}`, emptyDir: {} },
      mountPath: folder,
      readOnly: false,
    })),
  ];
  return { mounts, secretFiles: files };
}
