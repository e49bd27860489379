/**
 * Runs the tests of this folder against real apiservers, in a network and process namespace of their own: pods get
 * addresses of 10.244.0.0/24, no port can be taken, and whatever a test started dies with the namespace, however the
 * run ends.
 *
 *   bun test/real/run.ts [./FILE or option of `bun test` …]
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { STATE_FOLDER } from "./harness/state.ts";

const NEEDED_TOOLS = ["unshare", "ip", "openssl", "kubectl"];
const ASSETS = ["etcd", "kube-apiserver"];

/** In words, what this machine lacks for these tests. */
function whatIsMissing(): string[] {
  const missing: string[] = [];
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets === undefined || assets === "") {
    missing.push(
      `KUBEBUILDER_ASSETS is not set: it must name a folder with ${ASSETS.join(" and ")}, as envtest's does`,
    );
  } else {
    for (const name of ASSETS.filter((name) => !existsSync(join(assets, name)))) {
      missing.push(`KUBEBUILDER_ASSETS has no ${name} in it: ${assets}`);
    }
  }
  for (const tool of NEEDED_TOOLS) {
    if (Bun.which(tool) === null) missing.push(`${tool} is not installed`);
  }
  if (process.platform !== "linux") missing.push(`a Linux kernel (network namespaces), not ${process.platform}`);
  return missing;
}

/** Root makes namespaces as it is; anybody else may do it as root of a user namespace, where the kernel allows those. */
const UNSHARE = [
  "unshare",
  ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]),
  "--net",
  "--pid",
  "--fork",
  "--kill-child",
  "--mount-proc",
];

/** 10.244.0.1/24 on lo makes the whole of that network local: a pod listens on whichever address it likes. */
const SET_UP_NETWORK = "ip link set lo up && ip addr add 10.244.0.1/24 dev lo";

async function main(args: readonly string[]): Promise<number> {
  const missing = whatIsMissing();
  if (missing.length === 0) {
    const trial = Bun.spawnSync([...UNSHARE, "sh", "-c", SET_UP_NETWORK]);
    if (!trial.success) {
      missing.push(`the right to make a network namespace (run as root): ${trial.stderr.toString().trim()}`);
    }
  }
  if (missing.length > 0) {
    process.stderr.write(`The tests against a real apiserver cannot run. Missing:\n  - ${missing.join("\n  - ")}\n`);
    return 1;
  }
  const state = await mkdtemp(join(tmpdir(), "podway-real-"));
  // A file is told from an option's value by its slash.
  const tests = args.some((arg) => arg.includes("/")) ? args : [...args, "./test/real"];
  const child = Bun.spawn(
    [
      ...UNSHARE,
      "sh",
      "-c",
      `${SET_UP_NETWORK} && "$@"`,
      "sh",
      process.execPath,
      "test",
      "--timeout",
      "120000",
      ...tests,
    ],
    {
      cwd: join(import.meta.dir, "../.."),
      // Temporary files of tests that were cut short go with the rest.
      env: { ...process.env, TMPDIR: state, [STATE_FOLDER]: state },
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
    },
  );
  // The first process of the namespace is deaf to signals from outside, SIGKILL apart: --kill-child passes that on.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill("SIGKILL"));
  const code = await child.exited;
  await rm(state, { recursive: true, force: true });
  return code;
}

process.exit(await main(process.argv.slice(2)));
