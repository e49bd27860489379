/** Podway's whole path from the socket to the snapshot: `bun watch-podway.ts SERVER`. */
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { endpointSliceDecoder } from "../../src/discovery/records/endpoint-slices.ts";
import { createJournal } from "../../src/discovery/store/journal.ts";
import { createSnapshot } from "../../src/discovery/store/snapshot.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { noCredentials } from "../../src/kubernetes/credentials.ts";
import { createReflector } from "../../src/kubernetes/reflector.ts";
import { bunRuntime } from "../../src/platform/bun/runtime.ts";
import { EVENTS, stopwatch } from "./watch-load.ts";

const connection = {
  server: process.argv[2]!,
  fetch: bunRuntime.clientFetch({ verify: true }),
  credentials: noCredentials,
  files: [],
  refresh: async () => {},
};
const clock = systemClock;
const logger = silentLogger;
const journal = createJournal({ cluster: "", usual: "watch", clock });
const snapshot = createSnapshot({ clock, onSlices: journal.slices });
const write = snapshot.writer("");
let watching: ReturnType<typeof stopwatch> | undefined;
let seen = 0;
const reflector = createReflector({
  api: createApiClient({ connection, logger, clock }),
  collections: [
    { groupVersion: "apis/discovery.k8s.io/v1", resource: "endpointslices", listKind: "EndpointSliceList" },
  ],
  decode: endpointSliceDecoder({ keepNamespace: () => true }),
  apply(change) {
    write(change);
    if (change.kind === "replace") watching ??= stopwatch();
    else if (++seen === EVENTS) watching!.done();
  },
  clock,
  random: Math.random,
  logger,
  watchIdle: 75_000,
});
await reflector.run(new AbortController().signal);
