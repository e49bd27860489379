import { bodyState, setBodyState } from "../base/body-state.ts";

/** What the owner of a watched body is notified of. */
export interface BodyWatcher {
  /** The next piece is waited for. */
  onPull?(): void;
  /** A piece passes. Throwing ends both sides with that error. */
  onChunk?(bytes: number): void;
  /** The body ended: whole, by an error of its source, or because its reader left. Called once. */
  onEnd?(how: "complete" | "error" | "cancelled"): void;
  /** Holds a function that ends the body in peace, for as long as it is open. */
  readonly open?: Set<() => void> | undefined;
}

/**
 * A body whose pieces are seen on their way. Nothing is read from the source before the reader asks, and a reader that
 * leaves cancels the source. `gone` aborts for readers that leave silently: Bun's server does not cancel a stream it
 * was not reading from when its client went away. Costs a few microseconds: only for bodies that have to be watched.
 */
export function watchBody(
  source: ReadableStream<Uint8Array>,
  watcher: BodyWatcher,
  gone?: AbortSignal,
): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let ended = false;
  const end = (how: "complete" | "error" | "cancelled"): void => {
    if (ended) return;
    ended = true;
    gone?.removeEventListener("abort", leave);
    watcher.open?.delete(close);
    watcher.onEnd?.(how);
  };
  const leave = (): void => {
    end("cancelled");
    (reader ?? source).cancel(gone?.reason).catch(() => {});
  };
  let output: ReadableStreamDefaultController<Uint8Array>;
  let closed = false;
  const close = (): void => {
    closed = true;
    end("complete");
    output.close();
    (reader ?? source).cancel().catch(() => {});
  };
  gone?.addEventListener("abort", leave);
  watcher.open?.add(close);
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        output = controller;
      },
      async pull(controller) {
        try {
          // Throws where another reader has it.
          reader ??= source.getReader();
          watcher.onPull?.();
          const { done, value } = await reader.read();
          if (closed) return;
          if (done) {
            end("complete");
            controller.close();
            return;
          }
          watcher.onChunk?.(value.byteLength);
          controller.enqueue(value);
        } catch (error) {
          if (closed) return;
          end("error");
          controller.error(error);
          reader?.cancel(error).catch(() => {});
        }
      },
      async cancel(reason) {
        end("cancelled");
        await (reader ?? source).cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** The answer with another body in place of its own, which is read from that one. */
export function withBody(body: ReadableStream<Uint8Array>, answer: Response): Response {
  const { status, statusText, headers } = answer;
  const response = new Response(body, { status, statusText, headers });
  setBodyState(response, bodyState(answer));
  return response;
}
