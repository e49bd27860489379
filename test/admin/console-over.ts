import { assertEquals } from "@std/assert";
import { createAdminApp } from "../../src/admin/app.ts";
import { createConsole } from "../../src/admin/console/console.tsx";
import type { ClusterStatus } from "../../src/discovery/views.ts";
import type { GatewayView } from "../../src/gateway/view.ts";
import { createCounters } from "../../src/telemetry/counters.ts";
import type { PoolCounts, StreamTraffic } from "../../src/telemetry/traffic.ts";
import { createTrafficHistory } from "../../src/telemetry/traffic-history.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { adminOptions, view } from "./support.ts";

export const CLUSTER: ClusterStatus = {
  id: "",
  state: "watching",
  stale: false,
  mode: "watch",
  required: true,
  resourceVersion: "7",
  ages: { byte: 3, event: 200, list: 90_000 },
  services: 12,
  endpoints: 1234,
  lastError: null,
};

export const ABOUT = { version: "1.2.3", runtime: "bun", host: "edge-1", file: "gateway.yaml", hash: 7, current: true };

/** A console over what a test says; its clock stands still. */
export function consoleOver(
  more: Partial<GatewayView> = {},
  pools: readonly PoolCounts[] = [],
  streams: readonly StreamTraffic[] = [],
) {
  const clock = createFakeClock();
  const counters = createCounters();
  const history = createTrafficHistory(() => ({ series: counters.all(), pools, streams }), clock);
  const seen = view({ status: () => [CLUSTER], ...more });
  const app = createAdminApp(seen, {
    ...adminOptions(),
    console: createConsole({ view: seen, history, now: clock.now, clock, about: () => ABOUT }),
  });
  const get = async (path: string): Promise<string> => {
    const response = await app.request(path);
    assertEquals(response.status, 200);
    return response.text();
  };
  return { app, clock, counters, history, get };
}

/** What a reader sees: no tags, one space between words. */
export const textOf = (html: string): string =>
  html
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .replaceAll("&#39;", "'");
