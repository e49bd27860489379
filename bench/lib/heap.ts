/**
 * The live heap of a followed cluster over that of one that knows nothing yet: `bun heap.ts SERVER`. Prints megabytes.
 */

import { heapStats } from "bun:jsc";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { createCluster } from "../../src/discovery/cluster.ts";
import { apiserverFeed } from "../../src/discovery/feeds/apiserver.ts";
import { noCredentials } from "../../src/kubernetes/credentials.ts";
import { bunRuntime } from "../../src/platform/bun/runtime.ts";
import { clusterConfig } from "./cluster-config.ts";

const liveHeap = (): number => {
  Bun.gc(true);
  return heapStats().heapSize;
};

const connection = {
  server: process.argv[2]!,
  fetch: bunRuntime.clientFetch({ verify: true }),
  credentials: noCredentials,
  files: [],
  refresh: async () => {},
};
const cluster = createCluster(clusterConfig, apiserverFeed({ connect: async () => connection }), {
  clock: systemClock,
  random: Math.random,
  logger: silentLogger,
});
const before = liveHeap();
const stop = new AbortController();
void cluster.run(stop.signal);
await cluster.whenSynced(AbortSignal.timeout(60_000));
await Bun.sleep(1000);
process.stdout.write(`${(liveHeap() - before) / 1e6}\n`);
process.exit(0);
