import { describe, test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { sourceOf, streamOfSource } from "../../../src/http/fetch/body.ts";
import { collect, PushedBody, sourceOfPieces } from "../../helpers/body.ts";
import { until, untilStill } from "../../helpers/wait.ts";

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** A stream that counts what it was asked for, and has no end. */
function endless() {
  const state = { pulled: 0, cancelled: [] as unknown[] };
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        state.pulled++;
        // One that is always there at once would leave no time for anything else.
        await new Promise((resolve) => setTimeout(resolve));
        controller.enqueue(Uint8Array.of(state.pulled & 255));
      },
      cancel: (reason) => void state.cancelled.push(reason),
    },
    { highWaterMark: 0 },
  );
  return { state, stream };
}

describe("a stream as a source", () => {
  test("hands over every piece, and its end", async () => {
    const parts = ["one ", "", "two", " three"];
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        const part = parts.shift();
        if (part === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(part));
      },
    });
    assertEquals(await collect(sourceOf(stream)), { text: "one two three", size: 13, trailers: [] });
  });

  test("takes texts and other views of bytes, which middleware streams", async () => {
    const pieces: unknown[] = ["\u00e9", new Uint16Array([0x6261]), new Uint8Array([99]).buffer];
    const stream = new ReadableStream({
      pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
    });
    assertEquals((await collect(sourceOf(stream))).text, "\u00c3\u00a9abc");
    const other = new ReadableStream({ start: (controller) => controller.enqueue(1) });
    await assertRejects(() => collect(sourceOf(other)), TypeError, "neither bytes nor a text");
  });

  test("reads nothing before it is piped, and hands over nothing while it is paused", async () => {
    const { state, stream } = endless();
    const source = sourceOf(stream, 7);
    assertEquals([source.length, state.pulled], [7, 0]);
    let got = 0;
    source.pipe({
      data() {
        if (++got === 3) source.pause();
      },
      end: () => assert(false),
      fail: () => assert(false),
    });
    await until(() => got === 3, "three pieces");
    await untilStill(() => state.pulled);
    assertEquals([got, state.pulled], [3, 3]);
    source.pause();
    source.resume();
    // What was read already is kept for later where it is paused again meanwhile.
    source.pause();
    await untilStill(() => state.pulled);
    assertEquals([got, state.pulled], [3, 4]);
    source.resume();
    source.resume();
    await until(() => got > 5, "more pieces");
    source.cancel("enough");
    const before = got;
    await untilStill(() => state.pulled);
    assertEquals([got, state.cancelled], [before, ["enough"]]);
  });

  test("that breaks fails, once", async () => {
    const stream = new ReadableStream<Uint8Array>({
      pull: () => {
        throw new RangeError("broke");
      },
    });
    await assertRejects(() => collect(sourceOf(stream)), RangeError, "broke");
  });

  test("that someone else reads fails", async () => {
    const { stream } = endless();
    stream.getReader();
    await assertRejects(() => collect(sourceOf(stream)), TypeError);
  });

  test("is cancelled before anything was read of it", () => {
    const { state, stream } = endless();
    const source = sourceOf(stream);
    source.cancel("no");
    source.cancel("again");
    source.pipe({ data: () => assert(false), end: () => assert(false), fail: () => assert(false) });
    assertEquals(state.cancelled, ["no"]);
  });
});

describe("a source as a stream", () => {
  test("flows when it is read, and not before", async () => {
    const source = sourceOfPieces(["a", "b", "c"]);
    let begun = 0;
    const stream = streamOfSource(source, () => begun++);
    await Promise.resolve();
    assertEquals([source.sink, begun], [undefined, 0]);
    assertEquals(await new Response(stream).text(), "abc");
    assertEquals(begun, 1);
  });

  test("makes the source wait for its reader", async () => {
    const source = new PushedBody();
    const reader = streamOfSource(source).getReader();
    const first = reader.read();
    await until(() => source.sink !== undefined, "it to flow");
    source.push("one");
    assertEquals([text((await first).value), source.paused], ["one", false]);
    source.push("two");
    assert(source.paused);
    assertEquals([text((await reader.read()).value), source.paused], ["two", true]);
    const third = reader.read();
    await until(() => !source.paused, "it to flow again");
    source.push("three");
    assertEquals(text((await third).value), "three");
    source.sink!.end(undefined);
    assertEquals((await reader.read()).done, true);
    await reader.cancel();
    assertEquals(source.cancelled, []);
  });

  test("breaks as the source does", async () => {
    const source = new PushedBody();
    const reading = new Response(streamOfSource(source)).text();
    await until(() => source.sink !== undefined, "it to flow");
    source.push("one");
    source.sink!.fail(new RangeError("broke"));
    await assertRejects(() => reading, RangeError, "broke");
  });

  test("cancels the source when its reader leaves, after which what comes is dropped", async () => {
    const source = new PushedBody();
    const reader = streamOfSource(source).getReader();
    const first = reader.read();
    await until(() => source.sink !== undefined, "it to flow");
    source.push("one");
    await first;
    await reader.cancel("enough");
    assertEquals(source.cancelled, ["enough"]);
    source.push("two");
    source.sink!.end(undefined);
    source.sink!.fail(new Error("late"));
  });

  test("and back again is the same body, however large", async () => {
    const pieces = Array.from({ length: 500 }, (_, i) => new Uint8Array(1 + ((i * 37) % 5000)).fill(i));
    const { text: whole } = await collect(sourceOf(streamOfSource(sourceOfPieces(pieces))));
    assertEquals(whole, Buffer.concat(pieces).toString("latin1"));
  });
});
