import { isLoopback } from "../base/addresses.ts";
import { VERSION } from "../base/version.ts";
import { type ConfigIssue, formatIssue } from "../config/load.ts";
import { accessOf } from "../manifests/access.ts";
import { notesOf, stepsAfter, stepsBefore } from "../manifests/notes.ts";
import { accountManifests, makeManifests } from "../manifests/objects.ts";
import { type PodConfig, readForPod } from "../manifests/pod-config.ts";
import { printJson, printYaml } from "../manifests/print.ts";
import type { Manifest, ManifestOptions, ModuleFile } from "../manifests/types.ts";
import type { Files } from "../platform/files.ts";
import { DEFAULT_CONFIG, nameOrInit } from "../server/config-source.ts";
import { EXIT } from "../server/io.ts";
import { type ParsedArgs, parseCommandLine } from "./args.ts";
import { type CommandHelp, JSON_OPTION, usageOf } from "./command-help.ts";

/** What `manifests` needs of the world. */
export interface ManifestsIo {
  readonly files: Pick<Files, "readText">;
  readonly env: Readonly<Record<string, string | undefined>>;
  stdout(line: string): void;
  stderr(line: string): void;
}

/** Objects that belong to this one are named after it, with a few letters more. */
const NAME = /^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SERVICE_TYPES = ["ClusterIP", "NodePort", "LoadBalancer"] as const;

const DEFAULT_NAME = "podway";
const DEFAULT_IMAGE = `podway:${VERSION}`;

/** Two, so that one can go; and how many times as many an autoscaler may make. */
const REPLICAS = 2;
const HPA_FACTOR = 5;

export const MANIFESTS: CommandHelp = {
  name: "manifests",
  usage: ["manifests [FILE]", "manifests [FILE] --rbac [--cluster ID]"],
  summary: "what runs a config in Kubernetes",
  more: "ServiceAccount, the least roles, ConfigMap, Deployment, Service, PodDisruptionBudget. What must be done before goes to standard error",
  options: [
    { name: "config", short: "c", value: "FILE", help: "The same as FILE.", default: DEFAULT_CONFIG },
    { name: "name", value: "NAME", help: "What the objects are called.", default: DEFAULT_NAME },
    { name: "namespace", short: "n", value: "NS", help: "Where they go.", default: "default" },
    { name: "image", value: "REF", help: "The image.", default: DEFAULT_IMAGE },
    { name: "replicas", value: "N", help: "How many pods; with --hpa the fewest.", default: String(REPLICAS) },
    { name: "hpa", help: "Also a HorizontalPodAutoscaler." },
    {
      name: "max-replicas",
      value: "N",
      help: "The most that it makes.",
      default: `${HPA_FACTOR} times --replicas`,
    },
    {
      name: "service-type",
      value: SERVICE_TYPES.join("|"),
      help: "The Service's type.",
      default: SERVICE_TYPES[0],
    },
    { name: "without-config", help: "Leaves out the ConfigMap, which you make otherwise." },
    { name: "rbac", help: "The account and its roles only." },
    { name: "cluster", value: "ID", help: "With --rbac: of this cluster of several." },
    JSON_OPTION,
  ],
};

const USAGE = `usage: ${usageOf(MANIFESTS)}; see podway manifests --help`;

const count = (text: string): number => (/^[1-9][0-9]{0,3}$/.test(text) ? Number(text) : Number.NaN);

/** The options of a command line, or a message about the first that is wrong. */
function readOptions(args: ParsedArgs): ManifestOptions | { readonly error: string } {
  const name = args.text("name") ?? DEFAULT_NAME;
  if (!NAME.test(name)) return { error: "--name must be a DNS label of at most 52 characters, such as podway" };
  const namespace = args.text("namespace") ?? "default";
  if (!NAMESPACE.test(namespace)) return { error: "--namespace must be the name of a namespace" };
  const image = args.text("image") ?? DEFAULT_IMAGE;
  if (!/^[^\s]+$/.test(image)) return { error: "--image must be the name of an image, such as registry/podway:1" };
  const replicas = count(args.text("replicas") ?? String(REPLICAS));
  if (Number.isNaN(replicas)) return { error: "--replicas must be a whole number from 1 to 9999" };
  const most = args.text("max-replicas");
  const wantsHpa = args.on("hpa") || most !== undefined;
  const maxReplicas = wantsHpa ? (most === undefined ? replicas * HPA_FACTOR : count(most)) : undefined;
  if (maxReplicas !== undefined && !(maxReplicas >= replicas)) {
    return { error: `--max-replicas must be a whole number from --replicas (${replicas}) to 9999` };
  }
  const serviceType = SERVICE_TYPES.find((type) => type === (args.text("service-type") ?? SERVICE_TYPES[0]));
  if (serviceType === undefined) return { error: `--service-type must be one of ${SERVICE_TYPES.join(", ")}` };
  return { name, namespace, image, replicas, maxReplicas, serviceType, withConfig: !args.on("without-config") };
}

/** The user's middleware modules: they go where the config goes. */
async function readModules(
  { modules }: PodConfig,
  file: string,
  files: ManifestsIo["files"],
): Promise<{ modules: ModuleFile[]; errors: ConfigIssue[] }> {
  const found = new Map<string, ModuleFile>();
  const errors: ConfigIssue[] = [];
  const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/") + 1) : "";
  for (const { use, issue } of modules) {
    const path = use.replace(/^(?:\.\/)+/, "");
    if (path.startsWith("/") || path.split("/").includes("..")) {
      errors.push(issue("is not beside the config: only what is below its folder is printed with it"));
      continue;
    }
    try {
      found.set(path, { path, text: await files.readText(folder + path) });
    } catch (error) {
      errors.push(issue(`names a module that cannot be printed: ${(error as Error).message}`));
    }
  }
  return { modules: [...found.values()], errors };
}

/**
 * The account and the roles only: for one cluster of several, or where other rights are needed for them than for the
 * rest.
 */
function rbacOnly(pod: PodConfig, asked: string | undefined, options: ManifestOptions): Manifest[] | { error: string } {
  const accesses = accessOf(pod.config.discovery);
  const ids = accesses.map(({ id }) => id);
  if (asked !== undefined && !ids.includes(asked)) {
    const multi = pod.config.discovery?.multi === true;
    return { error: multi ? `--cluster must be one of ${ids.join(", ")}` : "--cluster needs a list of clusters" };
  }
  const single = pod.config.discovery?.multi === false;
  const chosen = accesses.filter(({ id, ownedBy }) =>
    asked === undefined ? single || ownedBy === undefined : id === asked,
  );
  return accountManifests(chosen, options);
}

/** What a user hears of on standard error; nothing of it keeps the objects from being printed. */
function warningsOf({ secrets, warnings, config }: PodConfig): string[] {
  const said = [...warnings, ...secrets].map((issue) => `${formatIssue(issue)} (warning)`);
  if (secrets.length > 0)
    said.push("The config is printed as a Secret and not as a ConfigMap: it holds secrets, or what may be one");
  if (config.admin === false) {
    said.push("admin: false leaves the kubelet nothing to ask: a pod counts as ready as soon as it listens");
  }
  for (const { id, listen } of config.streams.filter(({ listen }) => isLoopback(listen.host))) {
    said.push(`streams: ${id} listens on ${listen.host}, which nothing outside the pod reaches`);
  }
  if (config.discovery?.clusters.some(({ client }) => client.kubeconfig !== undefined)) {
    said.push(
      "client.kubeconfig is for a cluster other than the pod's: files and programs that it names must be in the image.",
      "  For the pod's own cluster leave out client and service: its account is used, and its rights are printed here",
    );
  }
  return said;
}

/**
 * `manifests [FILE]`: prints what runs this config in a cluster: ServiceAccount, the least roles, ConfigMap,
 * Deployment, Service, PodDisruptionBudget, and with `--hpa` an autoscaler. Gives the exit code.
 */
export async function manifests(argv: readonly string[], io: ManifestsIo): Promise<number> {
  const bad = (...lines: readonly string[]): number => {
    for (const line of lines) io.stderr(line);
    return EXIT.badInput;
  };
  const args = parseCommandLine(argv, MANIFESTS.options);
  if ("error" in args) return bad(args.error, USAGE);
  if (args.positionals.length > 1) return bad("one config at a time", USAGE);
  const options = readOptions(args);
  if ("error" in options) return bad(options.error, USAGE);
  if (args.text("cluster") !== undefined && !args.on("rbac")) return bad("--cluster belongs to --rbac", USAGE);

  const named = args.positionals[0] ?? args.text("config");
  const path = named ?? DEFAULT_CONFIG;
  const file = path.replace(/^\.\//, "");
  const text = await io.files.readText(path).catch((error: Error) => error);
  if (text instanceof Error) return bad(named === undefined ? `${text.message}; ${nameOrInit(io.env)}` : text.message);
  const pod = readForPod({ file, text, env: io.env, namespace: options.namespace });
  if (!pod.ok) {
    const unset = pod.unset.length === 0 ? [] : [`Not set here, and perhaps the reason: ${pod.unset.join(", ")}`];
    return bad(...pod.errors.map(formatIssue), ...unset);
  }

  let printed: readonly Manifest[];
  let notes: readonly string[] = [];
  let steps: readonly string[] = [];
  if (args.on("rbac")) {
    const made = rbacOnly(pod, args.text("cluster"), options);
    if ("error" in made) return bad(made.error);
    printed = made;
  } else {
    const { modules, errors } = await readModules(pod, path, io.files);
    const made = makeManifests(pod, modules, options);
    const faults = [...errors, ...("errors" in made ? made.errors : [])];
    if (faults.length > 0 || "errors" in made) return bad(...faults.map(formatIssue));
    printed = made.manifests;
    notes = notesOf(pod, made, options, file);
    steps = [...stepsBefore(pod, made, options, file), ...stepsAfter(options)];
  }
  const deciding = pod.standIns.namedIn(JSON.stringify(printed));
  if (deciding.length > 0) {
    return bad(`${deciding.join(", ")} must be set for this command: what is printed depends on it`);
  }
  for (const warning of warningsOf(pod)) io.stderr(warning);
  if (args.on("json")) {
    for (const note of notes) if (note !== "") io.stderr(note);
    io.stdout(printJson(printed));
  } else {
    // A pipe to kubectl would hide what stands in comments.
    for (const line of steps) io.stderr(line);
    io.stdout(printYaml(printed, notes));
  }
  return EXIT.fine;
}
