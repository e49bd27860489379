/** One end of a way between two threads. Messages are cloned, and arrive in order. */
export interface Port {
  post(message: unknown): void;
}

/** What a thread's starter gets of it. */
export interface ThreadEvents {
  message(message: unknown): void;
  /** It is gone; nothing follows. `why`: its last words, where it ended by an error; `code`: where it ended itself. */
  ended(why: string | undefined, code: number): void;
}

/** A thread of this program, as the one that started it has it. */
export interface Thread extends Port {
  /** Ends it at once, whatever it does. */
  kill(): void;
}

/** Threads, where the runtime has them. */
export interface Threads {
  /** As many as this process may have running at the same time: its processors, or its share of them in a container. */
  readonly processors: number;
  /** Starts one more of the gateway's workers. */
  start(events: ThreadEvents): Thread;
}
