import type { Clock } from "../../base/clock.ts";

/** A question to the other side of a way between threads. */
export interface Ask {
  readonly kind: "ask";
  readonly id: number;
  readonly question: string;
  readonly data: unknown;
}

/** Its answer, or why there is none. */
export interface Reply {
  readonly kind: "reply";
  readonly id: number;
  readonly data?: unknown;
  readonly error?: string;
}

/** Asks the other side. */
export interface Asker {
  /** Resolves with the answer; rejects in words: it failed, it took too long, the other side is gone. */
  ask(question: string, data: unknown, timeout: number): Promise<unknown>;
  replied(reply: Reply): void;
  /** The other side is gone: whoever waits is told. */
  gone(): void;
}

/** Makes one. `timeout`s are in milliseconds; 0: as long as it takes. */
export function createAsker(post: (ask: Ask) => void, clock: Clock): Asker {
  const waiting = new Map<number, (reply: Omit<Reply, "kind">) => void>();
  let last = 0;
  let isGone = false;
  return {
    ask(question, data, timeout) {
      if (isGone) return Promise.reject(new Error("the other side is gone"));
      const id = ++last;
      return new Promise((resolve, reject) => {
        const settle = (reply: Omit<Reply, "kind">): void => {
          waiting.delete(id);
          cancel();
          if (reply.error === undefined) resolve(reply.data);
          else reject(new Error(reply.error));
        };
        const late = (): void => settle({ id, error: `no answer to "${question}" within ${timeout} ms` });
        const cancel = timeout === 0 ? () => {} : clock.after(timeout, late);
        waiting.set(id, settle);
        post({ kind: "ask", id, question, data });
      });
    },
    replied: (reply) => waiting.get(reply.id)?.(reply),
    gone() {
      isGone = true;
      for (const [id, settle] of [...waiting]) settle({ id, error: "the other side is gone" });
    },
  };
}

/** Answers a question with what `answer` gives; what it throws is told in words. */
export async function reply(
  { id, question, data }: Ask,
  answer: (question: string, data: unknown) => unknown,
  post: (reply: Reply) => void,
): Promise<void> {
  try {
    post({ kind: "reply", id, data: await answer(question, data) });
  } catch (error) {
    post({ kind: "reply", id, error: error instanceof Error ? error.message : String(error) });
  }
}
