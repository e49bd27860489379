import type { HealthMark } from "../../balancing/health/health-set.ts";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Config, ServerConfig } from "../../config/schema.ts";
import type { Publisher } from "../../discovery/feeds/publisher.ts";
import { ListenError } from "../../platform/listen.ts";
import type { Threads } from "../../platform/threads.ts";
import type { ServerCertificate } from "../../platform/tls.ts";
import type { WorkerSetup } from "./messages.ts";
import type { Methods } from "./methods.ts";
import { answerCall } from "./rpc.ts";
import { type LiveWorker, type SupervisedWorker, superviseWorker, type WorkerMessage } from "./supervised-worker.ts";

/** A worker has this long to confirm that a config is in force. */
const APPLY_LIMIT_MS = 10_000;
/** A request to the admin API must not wait for one slow worker. */
const ANSWER_LIMIT_MS = 1000;
/** For its confirmation, beyond `drain`. */
const CONFIRM_MS = 2000;
const LATE = "A worker did not end in time";
const SILENT = "A worker did not answer in time";
/**
 * Workers close their ports one after the other: a connection that the kernel hands over to another socket of the port
 * (tcp_migrate_req) is lost where that one is being closed at the same moment.
 */
const BETWEEN_STOPS_MS = 50;

/** The process ends before the workers listened. */
export class AbandonedError extends Error {
  override name = "AbandonedError";
}

export interface WorkerPoolOptions {
  readonly threads: Threads;
  readonly count: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly publisher: Publisher;
  /** For a worker that starts now. */
  setup(): Omit<WorkerSetup, "number">;
  /** What active health checks found. */
  marks(): readonly HealthMark[];
  /** Takes whole lines of the access log. */
  writeAccessLog(lines: string): void;
}

/** The result of one worker. */
export interface WorkerAnswer<T> {
  /** See `LiveWorker.id`. */
  readonly worker: number;
  readonly answer: T;
}

/** The worker threads of a gateway, as its primary has them. One that dies is replaced. */
export interface WorkerPool {
  readonly size: number;
  /** Starts all of them; resolves with the port when each listens. Rejects with a `ListenError`: none is left then. */
  open(port: number): Promise<number>;
  /** The ids of those that run now, as in `WorkerAnswer.worker`. */
  living(): ReadonlySet<number>;
  /** How many listen just now. */
  listening(): number;
  /** Puts a config in force; resolves when every worker has confirmed it, or the log says which did not. */
  apply(config: Config): Promise<void>;
  /** New certificates for new connections. */
  renew(certificates: readonly ServerCertificate[]): void;
  mark(mark: HealthMark): void;
  /**
   * Calls every worker that runs (see methods.ts). One that does not answer in time is left out and logged: `Totals`
   * then counts what it answered before.
   */
  call<K extends keyof Methods>(method: K): Promise<WorkerAnswer<Methods[K]>[]>;
  /** Resolves when every worker has what the publisher has sent until now. */
  settled(): Promise<void>;
  /** Drains every worker as a single-threaded server, then ends them. */
  drain(server: Pick<ServerConfig, "drain_delay" | "drain">): Promise<void>;
  /** Ends all at once. */
  kill(): void;
}

/** A call to workers; `words` is what the log says of one that does not answer within `limit` milliseconds. */
interface WorkerCall {
  readonly method: string;
  readonly data?: unknown;
  readonly limit: number;
  readonly words: string;
}

/** A pool that starts its workers with `open`. */
export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { threads, count, clock, logger, publisher } = options;
  const supervised: SupervisedWorker[] = [];
  /** What each worker follows, by worker and the worker's own number of the feed. */
  const feeds = new Map<number, Map<number, () => void>>();
  /** The port that was asked for, until one listens, which may have been given another. */
  let wanted = 0;
  let port: number | undefined;
  /** While `open` is under way: its outcome. */
  let opening: { opened(): void; failed(error: Error): void } | undefined;

  const live = (): LiveWorker[] => supervised.flatMap((one) => one.worker() ?? []);

  function onMessage(worker: LiveWorker, message: WorkerMessage): void {
    if (typeof message === "string") {
      options.writeAccessLog(message);
      return;
    }
    switch (message.kind) {
      case "log":
        logger.log(message.level, message.message, { worker: worker.number, ...message.fields });
        break;
      case "follow": {
        const { feed } = message;
        const end = publisher.subscribe(message.settings, (news) => worker.post({ kind: "news", feed, news }));
        feedsOf(worker).set(feed, end);
        break;
      }
      case "unfollow":
        feedsOf(worker).get(message.feed)?.();
        feedsOf(worker).delete(message.feed);
        break;
      case "call":
        void answerCall(message, answer, worker.post);
    }
  }

  /** The one call that workers make to the primary: to bring a service up to date. */
  function answer(_method: string, data: unknown): unknown {
    const { settings, namespace, name } = data as { settings: string; namespace: string; name: string };
    return publisher.refresh(settings, namespace, name);
  }

  function feedsOf(worker: LiveWorker): Map<number, () => void> {
    let known = feeds.get(worker.id);
    if (known === undefined) {
      known = new Map();
      feeds.set(worker.id, known);
    }
    return known;
  }

  function supervise(number: number): SupervisedWorker {
    return superviseWorker({
      number,
      threads,
      clock,
      logger,
      setup: () => ({ kind: "start", setup: { ...options.setup(), number } }),
      readyToListen() {
        // The first finds out the port's number, or that it cannot be opened.
        const at = port ?? (number === 1 ? wanted : undefined);
        return at === undefined ? undefined : { kind: "listen", port: at, marks: options.marks() };
      },
      onMessage,
      listening(opened) {
        port ??= opened;
        for (const one of supervised) one.listen();
        opening?.opened();
      },
      cannotListen(why) {
        if (opening !== undefined) return opening.failed(new ListenError(why));
        logger.log("error", `A worker cannot take its place: ${why}`, { worker: number });
        supervised[number - 1]?.kill();
      },
      ended(worker) {
        for (const end of feedsOf(worker).values()) end();
        feeds.delete(worker.id);
      },
    });
  }

  async function callAll(call: WorkerCall): Promise<WorkerAnswer<unknown>[]> {
    const answers = await Promise.all(live().map((worker) => callOne(worker, call)));
    return answers.flat();
  }

  async function callOne(
    worker: LiveWorker,
    { method, data, limit, words }: WorkerCall,
  ): Promise<WorkerAnswer<unknown>[]> {
    try {
      return [{ worker: worker.id, answer: await worker.call(method, data, limit) }];
    } catch (error) {
      logger.log("warn", words, { worker: worker.number, error: (error as Error).message });
      return [];
    }
  }

  function kill(): void {
    opening?.failed(new AbandonedError("the workers are no longer wanted"));
    for (const one of supervised) {
      one.close();
      one.kill();
    }
  }

  return {
    size: count,
    async open(asked) {
      wanted = asked;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      opening = {
        opened() {
          if (supervised.every((one) => one.isListening())) resolve();
        },
        failed: reject,
      };
      for (let number = 1; number <= count; number++) supervised.push(supervise(number));
      try {
        await promise;
      } catch (error) {
        kill();
        throw error;
      }
      opening = undefined;
      return port!;
    },
    living: () => new Set(live().map(({ id }) => id)),
    listening: () => supervised.filter((one) => one.isListening()).length,
    async apply(config) {
      await callAll({
        method: "apply",
        data: config,
        limit: APPLY_LIMIT_MS,
        words: "A worker did not take the changed config over",
      });
    },
    renew(certificates) {
      for (const worker of live()) worker.post({ kind: "certificates", certificates });
    },
    mark(mark) {
      for (const worker of live()) worker.post({ kind: "marks", marks: [mark] });
    },
    async call<K extends keyof Methods>(method: K) {
      const answers = await callAll({ method, limit: ANSWER_LIMIT_MS, words: SILENT });
      return answers as WorkerAnswer<Methods[K]>[];
    },
    async settled() {
      publisher.flush();
      await callAll({ method: "ping", limit: APPLY_LIMIT_MS, words: SILENT });
    },
    async drain(server) {
      for (const one of supervised) one.close();
      await callAll({ method: "begin_drain", data: server, limit: server.drain_delay + CONFIRM_MS, words: LATE });
      const ends: Promise<void>[] = [];
      for (const worker of live()) {
        if (ends.length > 0) await clock.sleep(BETWEEN_STOPS_MS);
        const call = { method: "stop", data: server, limit: server.drain + CONFIRM_MS, words: LATE };
        ends.push(callOne(worker, call).then(() => {}));
      }
      await Promise.all(ends);
      kill();
    },
    kill,
  };
}
