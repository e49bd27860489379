/**
 * Prometheus' own tools and a real Prometheus over the gateway's metrics, the alert rules and the dashboard.
 *
 *   bun test/prometheus/run.ts [option of `bun test` …]
 */
import { join } from "node:path";
import process from "node:process";

const missing = ["promtool", "prometheus"].filter((tool) => Bun.which(tool) === null);
if (missing.length > 0) {
  process.stderr.write(
    `The tests of metrics with Prometheus cannot run. Missing: ${missing.join(", ")} (Debian: prometheus)\n`,
  );
  process.exit(1);
}
const child = Bun.spawn(
  [process.execPath, "test", "--timeout", "180000", ...process.argv.slice(2), "./test/prometheus"],
  { cwd: join(import.meta.dir, "../.."), stdin: "ignore", stdout: "inherit", stderr: "inherit" },
);
process.exit(await child.exited);
