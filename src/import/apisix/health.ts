import type { YamlMapping } from "../document.ts";
import type { Input } from "../input.ts";
import { toMilliseconds } from "./seconds.ts";

/** APISIX's own where a check does not say. */
const DEFAULTS = { interval: 1, timeout: 1, successes: 2, failures: 5 };

/** Says of a count that ours is another. */
function same(count: Input, kept: number, what: string): void {
  const value = count.number();
  if (value !== undefined && value !== kept)
    count.note(`${what} count with the others here, of which ${kept} in a row are enough`);
}

function active(input: Input): YamlMapping | undefined {
  const type = input.at("type").text();
  if (type !== undefined && type !== "http" && type !== "https") {
    input.decline("the gateway probes nodes with HTTP requests, not with bare connections");
    return undefined;
  }
  if (type === "https") input.at("type").note("the probe goes by the scheme of the upstream");
  const healthy = input.at("healthy");
  const unhealthy = input.at("unhealthy");
  const interval = healthy.at("interval").number() ?? DEFAULTS.interval;
  const often = unhealthy.at("interval").number();
  if (often !== undefined && often !== interval) {
    unhealthy.at("interval").note("there is one interval here, the one of healthy nodes");
  }
  const failures = unhealthy.at("http_failures").number() ?? DEFAULTS.failures;
  same(unhealthy.at("tcp_failures"), failures, "failed connections");
  same(unhealthy.at("timeouts"), failures, "time-outs");
  const bad = unhealthy.at("http_statuses");
  if (bad.exists) {
    bad.take();
    bad.note("every status that is not a healthy one counts as a failure here");
  }
  const statuses = healthy.at("http_statuses").take();
  const seconds = input.at("timeout").number() ?? DEFAULTS.timeout;
  return {
    path: input.at("http_path").text() ?? "/",
    interval: Math.max(100, toMilliseconds(interval)),
    timeout: Math.max(1, toMilliseconds(seconds)),
    healthy: healthy.at("successes").number() ?? DEFAULTS.successes,
    unhealthy: failures,
    host: input.at("host").text(),
    statuses: Array.isArray(statuses) ? (statuses as number[]) : [200, 302],
  };
}

function passive(input: Input): YamlMapping {
  const unhealthy = input.at("unhealthy");
  const failures = unhealthy.at("tcp_failures").number() ?? 2;
  same(unhealthy.at("timeouts"), failures, "time-outs");
  const statuses = [unhealthy.at("http_statuses"), unhealthy.at("http_failures"), input.at("healthy")];
  for (const one of statuses) {
    one.decline("answers do not count here: a node is left out after failed connections, and taken back after a while");
  }
  const type = input.at("type").text();
  if (type !== undefined && type !== "http" && type !== "https")
    input.at("type").note("requests over HTTP are watched");
  return { failures };
}

/** `checks:` of an upstream. */
export function healthOf(checks: Input): YamlMapping | undefined {
  if (!checks.exists) return undefined;
  const probes = checks.at("active").exists ? active(checks.at("active")) : undefined;
  const watched = checks.at("passive").exists ? passive(checks.at("passive")) : undefined;
  if (probes === undefined && watched === undefined) return undefined;
  return { active: probes, passive: watched };
}
