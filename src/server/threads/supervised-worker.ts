import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Thread, Threads } from "../../platform/threads.ts";
import type { ToKeeper, ToWorker } from "./messages.ts";
import { createAsker } from "./rpc.ts";

/** A worker has to know all that the keeper knows within this time, or its place is given to another. */
const START_LIMIT_MS = 30_000;
/** One that served for so long was well: the next one in its place starts at once. */
const HEALTHY_MS = 10_000;
/** Pauses before the next one, doubled from death to death. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** A worker is asked for a sign of life this often. */
const SIGN_EVERY_MS = 5000;
/** One that gives none for so long is stuck: what it accepted is lost, and what it would still accept need not be. */
const STUCK_MS = 20_000;

/** What a worker says that does not concern its place. */
export type Remark = Exclude<ToKeeper, { kind: "caught_up" | "listening" | "cannot_listen" | "reply" }>;

/** What a place is filled with, and whom it tells. */
export interface SlotOptions {
  readonly number: number;
  readonly threads: Threads;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The first message of a worker that takes the place. */
  setup(): ToWorker;
  /** It has caught up: what it listens with; undefined: it is to wait. */
  readyToListen(): ToWorker | undefined;
  /** Anything else that it says. */
  said(worker: LiveWorker, message: Remark): void;
  listening(port: number): void;
  cannotListen(why: string): void;
  /** It is gone; another follows, unless the place was closed. */
  ended(worker: LiveWorker): void;
}

/** A worker that is there. */
export interface LiveWorker {
  /** Another one for every worker there ever was. */
  readonly id: number;
  readonly number: number;
  post(message: ToWorker): void;
  /** See `Asker.ask`. */
  ask(question: string, data: unknown, timeout: number): Promise<unknown>;
}

/** A worker's place, where another takes over when it dies. */
export interface Slot {
  readonly number: number;
  /** undefined: none is there just now. */
  worker(): LiveWorker | undefined;
  isListening(): boolean;
  /** Lets a worker listen that has caught up before it could. */
  listen(): void;
  /** Nobody takes its place any more. */
  close(): void;
  /** Ends the worker. */
  kill(): void;
}

/** What a place holds. */
type State =
  | { readonly at: "catching_up" | "waiting_for_port" | "listening"; readonly since: number; readonly worker: Running }
  | { readonly at: "empty"; readonly cancel: () => void };

interface Running extends LiveWorker {
  readonly thread: Thread;
}

let workers = 0;

/** Fills a place. */
export function createSlot(options: SlotOptions): Slot {
  const { number, threads, clock, logger } = options;
  let closed = false;
  /** Deaths in a row, each before it was well. */
  let deaths = 0;
  let state: State = fill();

  function fill(): State {
    const asker = createAsker((ask) => thread.post(ask), clock);
    let cancelWatch = clock.after(START_LIMIT_MS, () => {
      logger.log("error", "A worker did not start in time", { worker: number, seconds: START_LIMIT_MS / 1000 });
      thread.kill();
    });
    const thread = threads.start({
      message(raw) {
        const message = raw as ToKeeper;
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
            case "reply":
              return asker.replied(message);
          }
        }
        options.said(worker, message);
      },
      ended(why, code) {
        cancelWatch();
        asker.gone();
        left(worker, why, code);
      },
    });
    const worker: Running = { id: ++workers, number, thread, post: thread.post, ask: asker.ask };

    function enter(at: "waiting_for_port" | "listening"): void {
      state = { at, since: clock.now(), worker };
      if (at === "waiting_for_port") slot.listen();
    }

    /** Ends it when it is stuck: it holds its share of the port's new connections. */
    function watch(): void {
      cancelWatch = clock.after(SIGN_EVERY_MS, () => {
        asker.ask("ping", undefined, STUCK_MS).then(watch, () => {
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
      state = fill();
    });
    state = { at: "empty", cancel };
  }

  const slot: Slot = {
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
  return slot;
}
