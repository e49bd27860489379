/**
 * Runs the tests of this folder: the single executable where nothing may be written, and the image's steps in clean roots.
 * In namespaces of their own: every mount and port is theirs, and goes with the last process.
 *
 *   bun test/container/run.ts [./FILE or option of `bun test` …]
 */
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { runTool } from "../real/harness/run-tool.ts";
import { DEBIAN, STATE } from "./state.ts";

const ROOT: string = join(import.meta.dir, "../..");
const TOOLS = ["unshare", "mount", "setpriv", "ip", "debootstrap", "dpkg-deb"];

const UNSHARE = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];

/**
 * Debian's smallest root, of the release that the Dockerfile's images are of. Its packages are unpacked and not set up
 * (`--foreign`): a shell and a libc are all that is needed, and it takes a third of the time. Fetched once for this machine.
 */
async function debianRoot(): Promise<string> {
  const folder = join(homedir(), ".cache/podway-test");
  const root = join(folder, "bookworm");
  if (existsSync(root)) return root;
  await mkdir(folder, { recursive: true });
  const fresh = `${root}.${process.pid}`;
  process.stdout.write("Fetching a minimal Debian root …\n");
  await runTool(["debootstrap", "--foreign", "--variant=minbase", "bookworm", fresh]);
  await rename(fresh, root);
  return root;
}

/** In words, why these tests cannot run here. */
function whatIsMissing(): string[] {
  if (process.platform !== "linux") return ["a Linux kernel"];
  const missing = [
    ...(process.getuid?.() === 0 ? [] : ["root: they mount and change roots"]),
    ...TOOLS.filter((tool) => Bun.which(tool) === null).map((tool) => `the tool ${tool}`),
  ];
  if (missing.length === 0 && !Bun.spawnSync([...UNSHARE, "true"]).success) {
    missing.push("the right to make namespaces (CAP_SYS_ADMIN)");
  }
  return missing;
}

async function main(args: readonly string[]): Promise<number> {
  const missing = whatIsMissing();
  if (missing.length > 0) {
    process.stdout.write(`The tests of the container are left out. Missing: ${missing.join(", ")}\n 0 pass\n 1 skip\n`);
    return 0;
  }
  const debian = await debianRoot();
  const state = await mkdtemp(join(tmpdir(), "podway-container-"));
  // The programs of the tests are nobody's, and look for themselves here.
  await chmod(state, 0o755);
  await runTool([process.execPath, join(ROOT, "scripts/build.ts"), "--outfile", join(state, "podway")]);
  const tests = args.some((arg) => arg.includes("/")) ? args : [...args, "./test/container"];
  const child = Bun.spawn(
    [
      ...UNSHARE,
      ...["sh", "-c", 'ip link set lo up && exec "$@"', "sh"],
      ...[process.execPath, "test", "--timeout", "120000", ...tests],
    ],
    {
      cwd: ROOT,
      env: { ...process.env, [STATE]: state, [DEBIAN]: debian },
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
    },
  );
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill("SIGKILL"));
  const code = await child.exited;
  await rm(state, { recursive: true, force: true });
  return code;
}

process.exit(await main(process.argv.slice(2)));
