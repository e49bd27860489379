import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { watchBody } from "../../src/http/watch-body.ts";

/** A body that never ends by itself, and why its reader said that it wants no more. */
function endless() {
  const cancelled: unknown[] = [];
  const source = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => controller.enqueue(new Uint8Array([1])),
      cancel: (reason) => void cancelled.push(reason),
    },
    { highWaterMark: 0 },
  );
  return { source, cancelled };
}

describe("a watched body", () => {
  for (const pieces of [0, 1]) {
    test(`whose reader leaves without a word after ${pieces} pieces lets go of its source, once`, async () => {
      const { source, cancelled } = endless();
      const gone = new AbortController();
      const ends: string[] = [];
      const reader = watchBody(source, { onEnd: (how) => void ends.push(how) }, gone.signal).getReader();
      for (let n = 0; n < pieces; n++) await reader.read();
      gone.abort("left");
      assertEquals([cancelled, ends], [["left"], ["cancelled"]]);
    });
  }

  test("that is ended in peace lets go of its source, and reads as whole", async () => {
    const { source, cancelled } = endless();
    const open = new Set<() => void>();
    const reader = watchBody(source, { open }).getReader();
    await reader.read();
    for (const end of open) end();
    assertEquals([(await reader.read()).done, cancelled.length, open.size], [true, 1, 0]);
  });

  test("is asked for piece by piece: each read is told of before its piece is there, and none is read ahead", async () => {
    const seen: string[] = [];
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          seen.push("source");
          controller.enqueue(new Uint8Array(seen.length));
          if (seen.length > 8) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const watcher = {
      onPull: () => void seen.push("read"),
      onChunk: (bytes: number) => void seen.push(`${bytes} bytes`),
      onEnd: (how: string) => void seen.push(how),
    };
    const reader = watchBody(source, watcher).getReader();
    assertEquals(seen, []);
    await reader.read();
    assertEquals(seen, ["read", "source", "2 bytes"]);
    await reader.read();
    assertEquals(seen.slice(3), ["read", "source", "5 bytes"]);
    await reader.read();
    assertEquals(seen.slice(6), ["read", "source", "8 bytes"]);
    await reader.read();
    assertEquals((await reader.read()).done, true);
    assertEquals(seen.slice(-2), ["read", "complete"]);
  });

  test("that breaks is over with its error, once", async () => {
    const ends: string[] = [];
    const open = new Set<() => void>();
    const source = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(new Error("reset")) });
    const gone = new AbortController();
    const reader = watchBody(source, { onEnd: (how) => void ends.push(how), open }, gone.signal).getReader();
    assertEquals(open.size, 1);
    assertEquals(await reader.read().catch((error: Error) => error.message), "reset");
    gone.abort();
    assertEquals([ends, open.size], [["error"], 0]);
  });
});
