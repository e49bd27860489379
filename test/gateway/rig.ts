import { assertEquals } from "@std/assert";
import type { LogFields } from "../../src/base/log.ts";
import type { Config } from "../../src/config/schema.ts";
import { createGateway, type Gateway, type GatewayOptions } from "../../src/gateway/gateway.ts";
import { bunRuntime } from "../../src/platform/bun/runtime.ts";
import { viewSeries } from "../../src/telemetry/counters.ts";
import type { Tracing, TracingOptions } from "../../src/telemetry/tracing/types.ts";
import { config } from "../config/support.ts";
import { createFakeClock, type FakeClock } from "../helpers/fake-clock.ts";
import { type Send, transportOf } from "../helpers/transport.ts";

/** What a gateway was made to trace with, and whether it was ended. */
export interface TracingProbe {
  readonly config: TracingOptions;
  stopped: number;
}

/** A gateway alone, whose pods are a function; nothing listens and time stands still until a test moves it. */
export interface GatewayRig extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly clock: FakeClock;
  /** The access log's lines, as they were written. */
  readonly lines: readonly string[];
  readonly logged: readonly LogFields[];
  readonly tracings: readonly TracingProbe[];
  apply(value: object): void;
  /** A request, answered to its end. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Fails where a request is still counted as under way, by a route's counters or at an address. */
  nothingUnderWay(): Promise<void>;
}

const configOf = (value: object | string): Config => config(typeof value === "string" ? value : JSON.stringify(value));

/**
 * Makes one of a config, as YAML or what that says. Its end asserts that nothing is left: no request under way, no timer armed, no line kept back, no exporter and
 * no connection open.
 */
export function startGatewayRig(value: object | string, fetch: Send, more: Partial<GatewayOptions> = {}): GatewayRig {
  const clock = createFakeClock();
  const lines: string[] = [];
  const logged: LogFields[] = [];
  const tracings: TracingProbe[] = [];
  const first = configOf(value);
  const gateway = createGateway({
    config: first,
    createCluster: () => {
      throw new Error("there is no cluster");
    },
    transportFor: () => transportOf(fetch),
    plainFetch: bunRuntime.clientFetch({ verify: true }),
    userMiddleware: () => {
      throw new Error("there is no module");
    },
    clock,
    random: () => 0,
    logger: { log: (level, message, fields) => void logged.push({ level, message, ...fields }) },
    writeAccessLog: (text) => void lines.push(...text.trimEnd().split("\n")),
    createTracing(settings): Tracing {
      const probe = { config: settings, stopped: 0 };
      tracings.push(probe);
      return {
        begin: () => ({
          traceId: "0".repeat(32),
          matched() {},
          attempt: () => ({ answered() {}, failed() {} }),
          end() {},
        }),
        counts: () => ({ exported: 0, dropped: 0, refused: 0 }),
        stop: async () => void probe.stopped++,
      };
    },
    ...more,
  });
  let asked = 0;

  async function nothingUnderWay(): Promise<void> {
    for (const counts of gateway.counters.all()) {
      const { inFlight, sockets } = viewSeries(counts);
      assertEquals([inFlight, sockets], [0, 0], `${counts.route} ${counts.service}`);
    }
    for (const { path } of gateway.routes() as readonly { path: unknown }[]) {
      const prefix = (path as { prefix?: string }).prefix ?? "/";
      const { services, route } = await gateway.explain({
        method: "GET",
        url: `http://rig.test${prefix}`,
        headers: [],
      });
      for (const { host, port, inFlight } of services.flatMap(({ nodes }) => nodes)) {
        assertEquals(inFlight, 0, `requests under way at ${host}:${port}, of route ${route}`);
      }
    }
  }

  return {
    gateway,
    clock,
    lines,
    logged,
    tracings,
    apply: (next) => gateway.apply(configOf(next)),
    async ask(path, init) {
      asked++;
      const response = await gateway.fetch(new Request(`http://rig.test${path}`, init), "192.0.2.1", "http");
      const body = await response.arrayBuffer().catch(() => undefined);
      return new Response(body === undefined || [204, 304].includes(response.status) ? null : body, response);
    },
    nothingUnderWay,
    async [Symbol.asyncDispose]() {
      await nothingUnderWay();
      await gateway.stop();
      if (first.server.access_log !== false) assertEquals(lines.length, asked, "a line for each request");
      for (const { stopped } of tracings) assertEquals(stopped, 1, "each exporter is stopped once");
      for (const [stream, { open }] of gateway.streamCounters.all()) assertEquals(open, 0, stream);
      // Those that look at what is under way see that there is nothing, and rest.
      await clock.advance(60_000);
      assertEquals(clock.pending, 0, "no timer is armed");
    },
  };
}
