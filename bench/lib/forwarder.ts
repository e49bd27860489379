/**
 * Podway's forwarder with its pool, and nothing around it: what of the gateway's cost is proxying.
 * `bun forwarder.ts PORT BACKEND`.
 */
import { createBackends } from "../../src/balancing/backends.ts";
import { createPool } from "../../src/balancing/pool.ts";
import { createRetryBudget } from "../../src/balancing/retry-budget.ts";
import { staticUpstream } from "../../src/balancing/static-upstream.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import type { RouteConfig } from "../../src/config/schema.ts";
import { createHttp1Client } from "../../src/http/http1/client.ts";
import { problem } from "../../src/http/problem.ts";
import { parseRequest } from "../../src/http/request.ts";
import { createTrust } from "../../src/http/trust.ts";
import { bunDial } from "../../src/platform/bun/dial.ts";
import { createForwarder } from "../../src/proxy/forward.ts";
import type { ProxyRoute } from "../../src/proxy/types.ts";
import { createCounters } from "../../src/telemetry/counters.ts";
import { createRequestEnd, RequestOutcome } from "../../src/telemetry/request-outcome.ts";

const clock = systemClock;
const trusts = createTrust([]);
const backend = new URL(process.argv[3]!);
const rule: RouteConfig = {
  id: "bench",
  priority: 0,
  path: { prefix: "/" },
  timeouts: { connect: 2000, try: 0, response: 60_000, idle: 0 },
  retries: { attempts: 2, on: ["connect", "reset"] },
  keepalive: { requests: 1000, age: 300_000 },
  health: { passive: { failures: 2, eject: 10_000 }, active: false },
  middleware: [],
  balancer: "round_robin",
  pass_host: "pass",
};
const upstream = staticUpstream([{ host: backend.hostname, port: Number(backend.port), weight: 50 }], "bench");
const { passive } = rule.health;
const pool = createPool({ upstream, scheme: "http", balancer: rule.balancer, passive, clock, random: Math.random });
const choice = {
  weight: 1,
  priority: 0,
  pool,
  upstream,
  budget: createRetryBudget({ clock }),
  counts: createCounters().series("bench", "bench"),
};
const route: ProxyRoute = {
  id: "bench",
  rule,
  rewrite: (path) => path,
  transport: createHttp1Client({ dial: bunDial, clock, random: Math.random }),
  backends: createBackends([choice], { random: Math.random, keyOf: undefined }),
};
const forwarder = createForwarder({
  clock,
  logger: silentLogger,
  end: createRequestEnd({ clock, drain: { begun: false, over: false }, accessLog: undefined }),
});
const options = { clock, trusts, limits: { header_bytes: 16_384, headers: 100, url_bytes: 8192, body_bytes: 0 } };

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  idleTimeout: 0,
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  fetch(request, server) {
    const facts = parseRequest(request, server.requestIP(request)?.address ?? "", "http", options);
    if ("problem" in facts) return problem(facts.problem, facts.detail);
    return forwarder.forward(request, facts, route, new RequestOutcome(facts.started));
  },
});
