/** What the owner of a watched body is told. */
export interface BodyWatcher {
  /** A piece passes. Throwing ends both sides with that error. */
  onChunk?(bytes: number): void;
  /** The body ended: whole, by an error of its source, or because its reader left. Called once. */
  onEnd?(how: "complete" | "error" | "cancelled"): void;
}

/**
 * A body whose pieces are seen on their way. Nothing is read from the source before the reader asks, and a reader that
 * leaves cancels the source. Costs a few microseconds: only for bodies that somebody must watch.
 */
export function watchBody(source: ReadableStream<Uint8Array>, watcher: BodyWatcher): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reader ??= source.getReader();
        try {
          const { done, value } = await reader.read();
          if (done) {
            watcher.onEnd?.("complete");
            controller.close();
            return;
          }
          watcher.onChunk?.(value.byteLength);
          controller.enqueue(value);
        } catch (error) {
          watcher.onEnd?.("error");
          controller.error(error);
          await reader.cancel(error).catch(() => {});
        }
      },
      async cancel(reason) {
        watcher.onEnd?.("cancelled");
        await (reader ?? source).cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
