/**
 * The life cycle under load: config changes, SIGTERM, restarts on one port. In a network namespace of their own, whose
 * `net.ipv4.tcp_migrate_req` they may set.
 *
 *   bun test/lifecycle/run.ts [./FILE or option of `bun test` …]
 */
import { join } from "node:path";
import process from "node:process";

const NEEDED_TOOLS = ["unshare", "ip"];

/** Root makes namespaces as it is; anybody else may do it as root of a user namespace, where the kernel allows those. */
const UNSHARE = [
  "unshare",
  ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]),
  ...["--net", "--pid", "--fork", "--kill-child", "--mount-proc"],
];

/** An address that is not the loopback one, as a pod has. */
const SET_UP_NETWORK = "ip link set lo up && ip addr add 10.244.7.2/32 dev lo";

async function main(args: readonly string[]): Promise<number> {
  const missing = NEEDED_TOOLS.filter((tool) => Bun.which(tool) === null);
  if (missing.length === 0 && !Bun.spawnSync([...UNSHARE, "true"]).success) {
    missing.push("the right to make a network namespace (run as root)");
  }
  if (missing.length > 0) {
    process.stderr.write(`The tests of the life cycle cannot run. Missing:\n  - ${missing.join("\n  - ")}\n`);
    return 1;
  }
  const tests = args.some((arg) => arg.includes("/")) ? args : [...args, "./test/lifecycle"];
  const test = [process.execPath, "test", "--timeout", "300000", ...tests];
  const child = Bun.spawn([...UNSHARE, "sh", "-c", `${SET_UP_NETWORK} && "$@"`, "sh", ...test], {
    cwd: join(import.meta.dir, "../.."),
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill("SIGKILL"));
  return await child.exited;
}

process.exit(await main(process.argv.slice(2)));
