import { cp, mkdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { runTool } from "../real/harness/run-tool.ts";
import { type Instruction, parseDockerfile, type Stage, wordsOf } from "./dockerfile.ts";

/** What a stage's instructions say of the containers made of it. */
export interface ImageSettings {
  env: Record<string, string>;
  workdir: string;
  user: string;
  entrypoint: string[];
  cmd: string[];
  stopSignal: string;
  healthcheck: string[];
  ports: string[];
}

/** An image: a root and how a container of it starts. */
export interface Image extends ImageSettings {
  readonly root: string;
}

/** Fills an empty root with what the image of that name has; its environment is what is returned. */
export type MakeBase = (image: string, root: string) => Promise<Partial<ImageSettings>>;

/** What building needs. */
export interface BuildOptions {
  /** The folder of the Dockerfile. */
  readonly context: string;
  /** Where the roots go. */
  readonly folder: string;
  readonly makeBase: MakeBase;
  /** Folders that are there while a `RUN` runs, by where: what a builder calls cache mounts. */
  readonly caches: Readonly<Record<string, string>>;
}

/** Rules of a .dockerignore, the last that fits wins. Only whole names at the top are understood. */
async function ignored(context: string): Promise<(path: string) => boolean> {
  const rules = (await readFile(join(context, ".dockerignore"), "utf8"))
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const strange = rules.find((rule) => !/^!?(?:\*|[\w.-]+)$/.test(rule));
  if (strange !== undefined) throw new Error(`.dockerignore: ${strange} is more than these tests understand`);
  return (path) => {
    const top = path.replace(/^\.?\//, "").split("/")[0]!;
    return rules.reduce((out, rule) => {
      const [keep, name] = rule.startsWith("!") ? [true, rule.slice(1)] : [false, rule];
      return name === "*" || name === top ? !keep : out;
    }, false);
  };
}

/** The command of a process in a root, with the image's environment, folder and user, and nothing of ours. */
export function inRoot({ root, env, workdir, user }: Image, command: readonly string[]): string[] {
  const [uid = "0", gid = uid] = user.split(":");
  const home = uid === "0" ? "/root" : "/home/nonroot";
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const variables = Object.entries({ PATH: path, HOME: home, ...env });
  const identity = ["--setgid", gid, "--setuid", uid];
  return [
    "env",
    "-i",
    ...variables.map(([name, value]) => `${name}=${value}`),
    ...["/usr/bin/unshare", `--root=${root}`, `--wd=${workdir}`, ...identity, "--", ...command],
  ];
}

/** A `COPY`, from the context or another stage; what is not there, or is ignored, is an error as it is for a builder. */
async function copy(step: Instruction, image: Image, stages: ReadonlyMap<string, Image>, options: BuildOptions) {
  const words = step.text.split(/\s+/);
  const from = words.filter((word) => word.startsWith("--")).map((word) => /^--from=(.+)$/.exec(word)?.[1])[0];
  const paths = words.filter((word) => !word.startsWith("--"));
  const target = paths.pop()!;
  const isIgnored = from === undefined ? await ignored(options.context) : () => false;
  const root = from === undefined ? options.context : stages.get(from)?.root;
  if (root === undefined) throw new Error(`Dockerfile:${step.line}: there is no stage ${from}`);
  const folder = join(image.root, target.startsWith("/") ? target : join(image.workdir, target));
  for (const path of paths) {
    if (isIgnored(path)) throw new Error(`Dockerfile:${step.line}: ${path} is left out by .dockerignore`);
    const source = join(root, path);
    const into = target.endsWith("/") && !(await stat(source)).isDirectory() ? join(folder, basename(path)) : folder;
    await mkdir(dirname(into), { recursive: true });
    await cp(source, into, { recursive: true });
  }
}

/** A `RUN`: in the stage's root, with /proc, /dev and the caches, as its user. */
async function runStep(step: Instruction, image: Image, caches: BuildOptions["caches"]): Promise<void> {
  const mounts: [source: string[], at: string][] = [
    [["-t", "proc", "proc"], "/proc"],
    [["--rbind", "/dev"], "/dev"],
    ...Object.entries(caches).map(([at, source]): [string[], string] => [["--bind", source], at]),
  ];
  const script = mounts.map(([source, at]) => `mount ${source.join(" ")} "${image.root}${at}"`).join(" && ");
  for (const [, at] of mounts) await mkdir(image.root + at, { recursive: true });
  // A namespace for each: its mounts are gone with it.
  const shell = ["unshare", "--mount", "sh", "-c", `${script} && exec "$@"`, "sh"];
  await runTool([...shell, ...inRoot(image, wordsOf(step.text))]);
}

async function runStage(stage: Stage, root: string, stages: ReadonlyMap<string, Image>, options: BuildOptions) {
  await mkdir(root, { recursive: true });
  const base = await options.makeBase(stage.image, root);
  const image: Image = {
    ...{ env: {}, workdir: "/", user: "0", entrypoint: [], cmd: [], stopSignal: "SIGTERM", healthcheck: [], ports: [] },
    ...base,
    root,
  };
  for (const step of stage.steps) {
    switch (step.name) {
      case "RUN":
        await runStep(step, image, options.caches);
        break;
      case "COPY":
        await copy(step, image, stages, options);
        break;
      case "ENV":
        for (const [, name, value] of step.text.matchAll(/(\w+)=(\S+)/g)) image.env[name!] = value!;
        break;
      case "WORKDIR":
        image.workdir = step.text;
        await mkdir(root + step.text, { recursive: true });
        break;
      case "USER":
        image.user = step.text;
        break;
      case "EXPOSE":
        image.ports.push(...step.text.split(/\s+/));
        break;
      case "STOPSIGNAL":
        image.stopSignal = step.text;
        break;
      case "HEALTHCHECK":
        image.healthcheck = wordsOf(step.text.slice(step.text.indexOf("CMD ") + 4));
        break;
      case "ENTRYPOINT":
        image.entrypoint = wordsOf(step.text);
        break;
      case "CMD":
        image.cmd = wordsOf(step.text);
        break;
      default:
        throw new Error(`Dockerfile:${step.line}: ${step.name} is more than these tests understand`);
    }
  }
  return image;
}

/** Does what the Dockerfile of a folder says, stage by stage, each in a root of its own; returns the last. */
export async function buildImage(options: BuildOptions): Promise<Image> {
  const stages = new Map<string, Image>();
  let last: Image | undefined;
  const text = await readFile(join(options.context, "Dockerfile"), "utf8");
  for (const [index, stage] of parseDockerfile(text).entries()) {
    last = await runStage(stage, join(options.folder, `stage-${index}`), stages, options);
    stages.set(stage.name ?? String(index), last);
  }
  if (last === undefined) throw new Error("The Dockerfile has no FROM");
  return last;
}
