import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Thread, Threads } from "../../platform/threads.ts";
import type { ToPrimary, ToWorker } from "./messages.ts";
import { createRpcClient } from "./rpc.ts";

/** A worker that has not all that the primary knows within this time is replaced. */
const START_LIMIT_MS = 30_000;
/** One that served for so long was well: its replacement starts at once. */
const HEALTHY_MS = 10_000;
/** Pauses before a replacement, doubled from death to death. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** A worker is asked for a sign of life this often. */
const SIGN_EVERY_MS = 5000;
/** One that gives none for so long is stuck: what it accepted is lost, and what it would still accept need not be. */
const STUCK_MS = 20_000;

/** A worker's messages that are not about its own start and its calls. */
export type WorkerMessage = Exclude<ToPrimary, { kind: "caught_up" | "listening" | "cannot_listen" | "response" }>;

export interface SupervisedWorkerOptions {
  readonly number: number;
  readonly threads: Threads;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The first message of every worker that is started. */
  setup(): ToWorker;
  /** The worker has caught up: the message that makes it listen; undefined: it is to wait. */
  readyToListen(): ToWorker | undefined;
  onMessage(worker: LiveWorker, message: WorkerMessage): void;
  listening(port: number): void;
  cannotListen(why: string): void;
  /** It is gone; another follows, unless `close` was called. */
  ended(worker: LiveWorker): void;
}

/** A worker that runs. */
export interface LiveWorker {
  /** Unique among all workers of the process, replaced ones included. */
  readonly id: number;
  readonly number: number;
  post(message: ToWorker): void;
  /** See `RpcClient.call`. */
  call(method: string, data: unknown, timeout: number): Promise<unknown>;
}

/** A worker that is replaced when it dies. */
export interface SupervisedWorker {
  readonly number: number;
  /** undefined: between a death and the replacement. */
  worker(): LiveWorker | undefined;
  isListening(): boolean;
  /** Lets a worker listen that has caught up before it could. */
  listen(): void;
  /** It is not replaced any more. */
  close(): void;
  /** Ends the worker. */
  kill(): void;
}

type State =
  | { readonly at: "catching_up" | "waiting_for_port" | "listening"; readonly since: number; readonly worker: Running }
  | { readonly at: "empty"; readonly cancel: () => void };

interface Running extends LiveWorker {
  readonly thread: Thread;
}

let workers = 0;

/** Starts a worker, and another whenever it dies. */
export function superviseWorker(options: SupervisedWorkerOptions): SupervisedWorker {
  const { number, threads, clock, logger } = options;
  let closed = false;
  /** Deaths in a row, each before it was well. */
  let deaths = 0;
  let state: State = start();

  function start(): State {
    const client = createRpcClient((request) => thread.post(request), clock);
    let cancelWatch = clock.after(START_LIMIT_MS, () => {
      logger.log("error", "A worker did not start in time", { worker: number, seconds: START_LIMIT_MS / 1000 });
      thread.kill();
    });
    const thread = threads.start({
      message(raw) {
        const message = raw as ToPrimary;
        if (typeof message !== "string") {
          switch (message.kind) {
            case "caught_up":
              cancelWatch();
              return enter("waiting_for_port");
            case "listening":
              enter("listening");
              watch();
              return options.listening(message.port);
            case "cannot_listen":
              return options.cannotListen(message.why);
            case "response":
              return client.receive(message);
          }
        }
        options.onMessage(worker, message);
      },
      ended(why, code) {
        cancelWatch();
        client.gone();
        left(worker, why, code);
      },
    });
    const worker: Running = { id: ++workers, number, thread, post: thread.post, call: client.call };

    function enter(at: "waiting_for_port" | "listening"): void {
      state = { at, since: clock.now(), worker };
      if (at === "waiting_for_port") supervised.listen();
    }

    /** Ends it when it is stuck: it holds its share of the port's new connections. */
    function watch(): void {
      cancelWatch = clock.after(SIGN_EVERY_MS, () => {
        client.call("ping", undefined, STUCK_MS).then(watch, () => {
          if (state.at !== "listening" || state.worker !== worker) return;
          logger.log("error", "A worker is stuck and is ended", { worker: number, seconds: STUCK_MS / 1000 });
          thread.kill();
        });
      });
    }

    worker.post(options.setup());
    return { at: "catching_up", since: clock.now(), worker };
  }

  function left(worker: Running, why: string | undefined, code: number): void {
    const wasWell = state.at === "listening" && clock.now() - state.since >= HEALTHY_MS;
    deaths = wasWell ? 1 : deaths + 1;
    const pause = deaths === 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (deaths - 2), LONGEST_PAUSE_MS);
    state = { at: "empty", cancel: () => {} };
    options.ended(worker);
    if (closed) return;
    logger.log("error", "A worker ended; another takes its place", {
      worker: number,
      exit_code: code,
      error: why?.trim(),
      pause_ms: pause,
    });
    const cancel = clock.after(pause, () => {
      state = start();
    });
    state = { at: "empty", cancel };
  }

  const supervised: SupervisedWorker = {
    number,
    worker: () => (state.at === "empty" ? undefined : state.worker),
    isListening: () => state.at === "listening",
    listen() {
      if (state.at !== "waiting_for_port") return;
      const message = options.readyToListen();
      if (message !== undefined) state.worker.post(message);
    },
    close() {
      closed = true;
      if (state.at === "empty") state.cancel();
    },
    kill() {
      if (state.at !== "empty") state.worker.thread.kill();
    },
  };
  return supervised;
}
