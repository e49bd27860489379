import { createCluster } from "../../../src/discovery/cluster.ts";
import { apiserverFeed } from "../../../src/discovery/feeds/apiserver.ts";
import { noCredentials } from "../../../src/kubernetes/credentials.ts";
import { bunRuntime } from "../../../src/platform/bun/runtime.ts";
import { clusterConfig } from "../../discovery/support.ts";
import { serveEmbedded } from "../../helpers/embedded.ts";
import { seededRandom } from "../../helpers/random.ts";
import { until } from "../../helpers/wait.ts";
import { fastClock } from "./sockets.ts";
import { manifest } from "./world.ts";

/** What was seen in a quiet time. */
export interface QuietTime {
  /** Streams that were opened anew because nothing came. */
  readonly silences: number;
  /** Streams that were opened, and lists that were made, since the start. */
  readonly streams: number;
  readonly lists: number;
  /** Lines of the log that tell of an error. */
  readonly errors: number;
  /** Changes that reached the snapshot. */
  readonly changes: number;
  readonly minutes: number;
}

export interface QuietOptions {
  readonly minutes: number;
  /** How much faster than the machine's the clock goes. */
  readonly speed: number;
  /** Milliseconds of that clock between two bookmarks. */
  readonly bookmarkInterval: number;
}

/** So many streams there may be: the apiserver ends each at its `timeoutSeconds`, after four minutes at the soonest. */
export const streamsIn = (minutes: number): number => 1 + Math.floor(minutes / 4);

/**
 * Follows a cluster in which nothing happens, over a socket, with nothing but a bookmark now and then. Its streams end
 * at `timeoutSeconds` and are opened anew for that, and never for their silence.
 */
export async function watchQuietly({ minutes, speed, bookmarkInterval }: QuietOptions): Promise<QuietTime> {
  const clock = fastClock(speed);
  await using served = await serveEmbedded({ clock, random: seededRandom(3), bookmarkInterval });
  const { api } = served;
  api.apply(
    manifest(
      {
        namespace: "alpha",
        name: "slice-1",
        service: "web",
        team: "blue",
        weight: undefined,
        http: 8080,
        addresses: [{ ip: "10.1.0.1", is: "ready" }],
      },
      "EndpointSlice",
    ),
  );
  let errors = 0;
  let silences = 0;
  const fetch = bunRuntime.clientFetch({ verify: true });
  const cluster = createCluster(
    clusterConfig(),
    apiserverFeed({
      connect: async () => ({
        server: served.url,
        fetch,
        credentials: noCredentials,
        files: [],
        refresh: async () => {},
      }),
    }),
    {
      clock,
      random: seededRandom(4),
      logger: {
        log(level, message) {
          if (level === "warn" || level === "error") errors++;
          if (message.includes("silent")) silences++;
        },
      },
    },
  );
  const stop = new AbortController();
  const done = cluster.run(stop.signal);
  await cluster.whenSynced(AbortSignal.timeout(10_000));
  const changes = cluster.reader.counts().changes;
  const end = clock.now() + minutes * 60_000;
  const real = (minutes * 60_000) / speed;
  await until(() => clock.now() >= end, {
    timeout: real + 60_000,
    interval: Math.min(1000, real / 20),
    message: "time to pass",
  });
  const count = (verb: string): number => api.requests.filter((request) => request.verb === verb).length;
  const result = {
    silences,
    streams: count("watch"),
    lists: count("list"),
    errors,
    changes: cluster.reader.counts().changes - changes,
    minutes,
  };
  stop.abort();
  await done;
  return result;
}
