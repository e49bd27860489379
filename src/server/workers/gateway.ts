import { waitUntil } from "cloudflare:workers";
import { type Clock, systemClock } from "../../base/clock.ts";
import { createGateway, type Gateway } from "../../gateway/gateway.ts";
import { fetchAnswer } from "../../http/fetch/answer.ts";
import { responseOf } from "../../http/fetch/message.ts";
import { fetchTransport, type UpgradedAnswer } from "../../http/fetch/transport.ts";
import { headersOf } from "../../http/header-fields.ts";
import type { HttpAnswer } from "../../http/message.ts";
import { problem } from "../../http/problem.ts";
import { resolved } from "../../platform/resolved.ts";
import type { WorkerEnv } from "../../platform/workers/api.ts";
import { upstreamFetch } from "../../platform/workers/fetch.ts";
import { readWorkerConfig } from "./config.ts";
import { type Holder, holderClient, snapshotHolder } from "./holder.ts";
import { type OnDemandCluster, workerCluster, workerLogger, writeLog } from "./parts.ts";

/** What Workers calls of a module. */
export interface Worker {
  fetch(request: Request, env: WorkerEnv): Promise<Response>;
  /** A cron trigger: the snapshot is refreshed, so that the first request after a quiet hour finds a new one. */
  scheduled(event: unknown, env: WorkerEnv): Promise<void>;
}

/** A gateway for Workers. */
export interface WorkerModule {
  readonly worker: Worker;
  /** To be exported under this name where it is bound as SNAPSHOT_HOLDER. */
  readonly SnapshotHolder: new (
    state: unknown,
    env: WorkerEnv,
  ) => Holder;
}

/** Timers end with the request that set them, so what is due later keeps its request's context until then. */
const workerClock: Clock = {
  ...systemClock,
  after(ms, fn) {
    const over = Promise.withResolvers<void>();
    const cancel = systemClock.after(ms, () => {
      fn();
      over.resolve();
    });
    waitUntil(over.promise);
    return () => {
      cancel();
      over.resolve();
    };
  },
};

/** An answer as Workers sends it. A WebSocket passes from pod to client: nothing of it is seen here. */
function sent(request: Request, answer: HttpAnswer): Response {
  const { status, headers, webSocket } = answer as UpgradedAnswer;
  if (status !== 101) return fetchAnswer(request, answer);
  return new Response(null, { status, headers: headersOf(headers), webSocket } as ResponseInit);
}

interface Booted {
  readonly gateway: Gateway;
  readonly clusters: readonly OnDemandCluster[];
}

/** Composes the gateway of one isolate; undefined: its config has errors, which are in the log. */
function boot(text: string, env: WorkerEnv): Booted | undefined {
  const read = readWorkerConfig(text, env);
  for (const line of read.ok ? read.warnings : read.errors) {
    workerLogger("info").log(read.ok ? "warn" : "error", line);
  }
  if (!read.ok) return undefined;
  const { config } = read;
  const logger = workerLogger(config.server.log_level);
  const holder = env.SNAPSHOT_HOLDER;
  const fetchShared = holder === undefined ? undefined : holderClient(holder);
  const clusters: OnDemandCluster[] = [];
  const transport = fetchTransport(upstreamFetch(env));
  const gateway = createGateway({
    config,
    createCluster(cluster, zone) {
      const clock = workerClock;
      const made = workerCluster(cluster, env, { background: waitUntil, fetchShared, clock, logger, zone });
      clusters.push(made);
      return made;
    },
    transportFor: () => transport,
    plainFetch: (input, init) => fetch(input, init),
    userMiddleware(use) {
      throw new Error(`The module ${use} was not bundled`);
    },
    edgeForwards: true,
    sharedTimers: false,
    checksReferences: false,
    clock: workerClock,
    random: Math.random,
    logger,
    writeAccessLog: (lines) => writeLog(lines.trimEnd()),
  });
  return { gateway, clusters };
}

/** Makes a Worker of the text of a config. */
export function createWorker(text: string): WorkerModule {
  let booted: { readonly as: Booted | undefined } | undefined;
  const bootOnce = (env: WorkerEnv): Booted | undefined => {
    booted ??= { as: boot(text, env) };
    return booted.as;
  };
  return {
    worker: {
      async fetch(request, env) {
        const head = request.method === "HEAD";
        const made = bootOnce(env);
        if (made === undefined)
          return responseOf(problem("internal", "The gateway's config has errors; its log has them", { head }));
        const peer = request.headers.get("cf-connecting-ip") ?? "";
        const scheme = request.url.startsWith("https:") ? "https" : "http";
        let clean: Request;
        try {
          clean = resolved(request) ?? request;
        } catch {
          return responseOf(problem("bad_request", "The request target cannot be read", { head }));
        }
        return sent(clean, await made.gateway.handle(clean, peer, scheme));
      },
      async scheduled(_event, env) {
        const made = bootOnce(env);
        // What failed is in the log, and the last good snapshot stays.
        await Promise.allSettled(made?.clusters.map((cluster) => cluster.feed.refreshNow()) ?? []);
      },
    },
    SnapshotHolder: snapshotHolder(text),
  };
}
