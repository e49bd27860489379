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
});
