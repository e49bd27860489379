import type { HealthMark } from "../../balancing/health/health-set.ts";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Config, ServerConfig } from "../../config/schema.ts";
import type { Publisher } from "../../discovery/feeds/publisher.ts";
import { ListenError } from "../../platform/listen.ts";
import type { Threads } from "../../platform/threads.ts";
import type { ServerCertificate } from "../../platform/tls.ts";
import type { WorkerSetup } from "./messages.ts";
import type { Questions } from "./methods.ts";
import { reply } from "./rpc.ts";
import { createSlot, type LiveWorker, type Remark, type Slot } from "./supervised-worker.ts";

/** A worker has this long to say that it took something over. */
const APPLY_LIMIT_MS = 10_000;
/** Whoever asks the admin API does not want to wait for one worker. */
const ANSWER_LIMIT_MS = 1000;
/** For its last words, beyond `drain`. */
const LAST_WORDS_MS = 2000;
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

/** What the keeper gives its workers, and what it does for them. */
export interface TeamOptions {
  readonly threads: Threads;
  readonly count: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly publisher: Publisher;
  /** What a worker that starts now is to start with. */
  setup(): Omit<WorkerSetup, "number">;
  /** What active health checks found. */
  marks(): readonly HealthMark[];
  /** Takes whole lines of the access log. */
  writeAccessLog(lines: string): void;
}

/** An answer of one worker. */
export interface WorkerAnswer<T> {
  /** Another one for every worker there ever was. */
  readonly worker: number;
  readonly answer: T;
}

/** The workers of a gateway, as its keeper has them. One that dies is replaced. */
export interface Team {
  readonly size: number;
  /** Starts all of them; resolves with the port when each listens on it. Rejects with a `ListenError`: none is left then. */
  open(port: number): Promise<number>;
  /** Those that are there just now, by the number that `ask` tells too. */
  living(): ReadonlySet<number>;
  /** How many listen just now. */
  listening(): number;
  /** Puts a config in force everywhere; resolves when every worker said that it did, or the log says which did not. */
  apply(config: Config): Promise<void>;
  /** New certificates for new connections. */
  renew(certificates: readonly ServerCertificate[]): void;
  mark(mark: HealthMark): void;
  /**
   * Asks every worker that is there (see questions.ts). One that does not answer in time is left out, and the log says so:
   * who sums counters remembers what it said before.
   */
  ask<K extends keyof Questions>(question: K): Promise<WorkerAnswer<Questions[K]>[]>;
  /** Resolves when every worker knows what the publisher has told until now. */
  settled(): Promise<void>;
  /** Ends the traffic of all, each as a gateway alone would, and then the workers. */
  drain(server: Pick<ServerConfig, "drain_delay" | "drain">): Promise<void>;
  /** Ends all at once. */
  kill(): void;
}

/** A question to workers, and what the log says of one that does not answer within `limit` ms. */
interface Asking {
  readonly question: string;
  readonly data?: unknown;
  readonly limit: number;
  readonly words: string;
}

/** Makes a team of which nobody is there yet. */
export function createTeam(options: TeamOptions): Team {
  const { threads, count, clock, logger, publisher } = options;
  const slots: Slot[] = [];
  /** What each worker follows, by its own number for it. */
  const feeds = new Map<number, Map<number, () => void>>();
  /** The port that was asked for, until one listens, which may have been given another. */
  let wanted = 0;
  let port: number | undefined;
  /** Tells `open` how it went. */
  let opening: { opened(): void; failed(error: Error): void } | undefined;

  const live = (): LiveWorker[] => slots.flatMap((slot) => slot.worker() ?? []);

  function said(worker: LiveWorker, message: Remark): void {
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
      case "ask":
        void reply(message, answer, worker.post);
    }
  }

  /** What workers ask of the keeper: to bring a service up to date. */
  function answer(_question: string, data: unknown): unknown {
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

  function openSlot(number: number): Slot {
    return createSlot({
      number,
      threads,
      clock,
      logger,
      setup: () => ({ kind: "start", setup: { ...options.setup(), number } }),
      readyToListen() {
        // The first finds out which port it is, or that it cannot be had.
        const at = port ?? (number === 1 ? wanted : undefined);
        return at === undefined ? undefined : { kind: "listen", port: at, marks: options.marks() };
      },
      said,
      listening(opened) {
        port ??= opened;
        for (const slot of slots) slot.listen();
        opening?.opened();
      },
      cannotListen(why) {
        if (opening !== undefined) return opening.failed(new ListenError(why));
        logger.log("error", `A worker cannot take its place: ${why}`, { worker: number });
        slots[number - 1]?.kill();
      },
      ended(worker) {
        for (const end of feedsOf(worker).values()) end();
        feeds.delete(worker.id);
      },
    });
  }

  async function askAll(asking: Asking): Promise<WorkerAnswer<unknown>[]> {
    const answers = await Promise.all(live().map((worker) => asked(worker, asking)));
    return answers.flat();
  }

  async function asked(worker: LiveWorker, { question, data, limit, words }: Asking): Promise<WorkerAnswer<unknown>[]> {
    try {
      return [{ worker: worker.id, answer: await worker.ask(question, data, limit) }];
    } catch (error) {
      logger.log("warn", words, { worker: worker.number, error: (error as Error).message });
      return [];
    }
  }

  function kill(): void {
    opening?.failed(new AbandonedError("the workers are no longer wanted"));
    for (const slot of slots) {
      slot.close();
      slot.kill();
    }
  }

  return {
    size: count,
    async open(asked) {
      wanted = asked;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      opening = {
        opened() {
          if (slots.every((slot) => slot.isListening())) resolve();
        },
        failed: reject,
      };
      for (let number = 1; number <= count; number++) slots.push(openSlot(number));
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
    listening: () => slots.filter((slot) => slot.isListening()).length,
    async apply(config) {
      await askAll({
        question: "apply",
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
    async ask<K extends keyof Questions>(question: K) {
      const answers = await askAll({ question, limit: ANSWER_LIMIT_MS, words: SILENT });
      return answers as WorkerAnswer<Questions[K]>[];
    },
    async settled() {
      publisher.flush();
      await askAll({ question: "ping", limit: APPLY_LIMIT_MS, words: SILENT });
    },
    async drain(server) {
      for (const slot of slots) slot.close();
      await askAll({ question: "farewell", data: server, limit: server.drain_delay + LAST_WORDS_MS, words: LATE });
      const ends: Promise<void>[] = [];
      for (const worker of live()) {
        if (ends.length > 0) await clock.sleep(BETWEEN_STOPS_MS);
        const asking = { question: "stop", data: server, limit: server.drain + LAST_WORDS_MS, words: LATE };
        ends.push(asked(worker, asking).then(() => {}));
      }
      await Promise.all(ends);
      kill();
    },
    kill,
  };
}
