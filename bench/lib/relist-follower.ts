/**
 * Follows a large cluster in this process and watches its own event loop: `bun relist-follower.ts SERVER ROUNDS`. In each
 * round the cluster's watch expires, so that all of it is listed again. Prints the longest pause of every round, and of the
 * time between, in which nothing happens, as JSON.
 */

import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { createCluster } from "../../src/discovery/cluster.ts";
import { apiserverFeed } from "../../src/discovery/feeds/apiserver.ts";
import { noCredentials } from "../../src/kubernetes/credentials.ts";
import { bunRuntime } from "../../src/platform/bun/runtime.ts";
import { clusterConfig } from "./cluster-config.ts";

const server = process.argv[2]!;
const rounds = Number(process.argv[3]);

/** A watch that ends sooner was not healthy, and a pause would follow. */
const HEALTHY_MS = 5500;

/** A request's worth of patience: what comes later than this timer waited. */
const TICK_MS = 1;

let last = performance.now();
let longest = 0;
const look = (): void => {
  const now = performance.now();
  longest = Math.max(longest, now - last - TICK_MS);
  last = now;
};
setInterval(look, TICK_MS);

/** The longest pause while `work` is under way. */
async function pauseDuring(work: () => Promise<unknown>): Promise<number> {
  last = performance.now();
  longest = 0;
  await work();
  look();
  return longest;
}

const connection = {
  server,
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
void cluster.run(new AbortController().signal);
const first = await pauseDuring(() => cluster.whenSynced(AbortSignal.timeout(60_000)));

const relists = (): number => cluster.counters().lists.gone ?? 0;
const busy: number[] = [];
const quiet: number[] = [];
const took: number[] = [];
for (let round = 1; round <= rounds; round++) {
  quiet.push(await pauseDuring(() => Bun.sleep(HEALTHY_MS)));
  const started = performance.now();
  busy.push(
    await pauseDuring(async () => {
      await fetch(`${server}/control/expire`, { method: "POST" });
      while (relists() < round) await Bun.sleep(TICK_MS);
    }),
  );
  took.push(performance.now() - started);
}
process.stdout.write(`${JSON.stringify({ first, busy, quiet, took })}\n`);
process.exit(0);
