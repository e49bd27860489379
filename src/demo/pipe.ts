/** What fetch rejects with, and what a body's reader gets, when the connection is lost. */
export const lostConnection = (): TypeError => new TypeError("fetch failed: the connection was lost");

/** Settles as the promise does, or rejects as soon as the signal aborts. */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    // It is not waited for any more; its own failure must not count as unhandled.
    promise.catch(() => {});
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** A body that is written to over time. What was written is always read before the end or the error. */
export interface Pipe {
  readonly readable: ReadableStream<Uint8Array>;
  write(chunk: Uint8Array): void;
  end(): void;
  fail(error: unknown): void;
}

type PipeState =
  | { readonly at: "open" }
  | { readonly at: "ended" }
  | { readonly at: "failed"; readonly error: unknown };

/**
 * Makes a pipe. `signal` (the request's) fails it at once, unread chunks included, as an aborted fetch does; `onClose`
 * is called once when the reader is gone or the signal aborts.
 */
export function createPipe(signal: AbortSignal, onClose: () => void): Pipe {
  const queue: Uint8Array[] = [];
  let state: PipeState = { at: "open" };
  let wake = (): void => {};
  const settle = (next: PipeState): void => {
    if (state.at === "open") state = next;
    wake();
  };
  const abort = (): void => {
    queue.length = 0;
    settle({ at: "failed", error: signal.reason });
    onClose();
  };
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  const readable = new ReadableStream<Uint8Array>(
    {
      async pull(out) {
        while (queue.length === 0 && state.at === "open") {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        const chunk = queue.shift();
        if (chunk) return out.enqueue(chunk);
        signal.removeEventListener("abort", abort);
        if (state.at === "failed") out.error(state.error);
        else out.close();
      },
      cancel() {
        signal.removeEventListener("abort", abort);
        settle({ at: "ended" });
        onClose();
      },
    },
    // Nothing is read ahead: an error overtakes whatever a stream holds in its own queue.
    { highWaterMark: 0 },
  );
  return {
    readable,
    write(chunk) {
      if (state.at !== "open") return;
      queue.push(chunk);
      wake();
    },
    end: () => settle({ at: "ended" }),
    fail: (error) => settle({ at: "failed", error }),
  };
}
