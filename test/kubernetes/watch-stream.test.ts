import { describe, test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { ApiError, InvalidObjectError } from "../../src/kubernetes/errors.ts";
import {
  parseWatchEvent,
  readWatchStream,
  WATCH_LINE_LIMIT,
  type WatchEvent,
} from "../../src/kubernetes/watch-stream.ts";
import { slices } from "../helpers/scripted-apiserver.ts";

const context = { verb: "watch", collection: slices } as const;
const encoder = new TextEncoder();
const reading = (signal = new AbortController().signal) => ({ context, signal, onBytes: () => {} });

async function collect(chunks: Uint8Array[]): Promise<WatchEvent[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const events: WatchEvent[] = [];
  for await (const some of readWatchStream(body, reading())) events.push(...some);
  return events;
}

describe("a watch's events", () => {
  test("may have any white space between them", async () => {
    const event = (version: string) =>
      JSON.stringify({ type: "BOOKMARK", object: { metadata: { resourceVersion: version } } });
    for (const between of ["\n", "\r\n", "\n\r\n", "\n \t \n\n", "\r\n\r\n"]) {
      const events = await collect([encoder.encode(`${event("1")}${between}${event("2")}\n`)]);
      assertEquals(
        events.map((one) => one.type === "BOOKMARK" && one.resourceVersion),
        ["1", "2"],
      );
    }
  });

  test("are the same wherever the stream of bytes is cut", async () => {
    const text = [
      { type: "ADDED", object: { metadata: { name: "größe", resourceVersion: "1" } } },
      { type: "MODIFIED", object: { metadata: { name: "東京🚀", resourceVersion: "2" } } },
      { type: "BOOKMARK", object: { kind: "EndpointSlice", metadata: { resourceVersion: "3" } } },
    ]
      .map((event) => `${JSON.stringify(event)}\n`)
      .join("");
    const data = encoder.encode(text);
    const expected = await collect([data]);
    assertEquals(
      expected.map(({ type }) => type),
      ["ADDED", "MODIFIED", "BOOKMARK"],
    );
    for (let cut = 0; cut <= data.length; cut++) {
      assertEquals(await collect([data.slice(0, cut), data.slice(cut)]), expected);
    }
  });

  test("stop before a last line that was cut", async () => {
    const events = await collect([encoder.encode('{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n{"type":"AD')]);
    assertEquals(events.length, 1);
  });

  test("never hold more than the limit of a line without an end, however long it is", async () => {
    const chunk = new Uint8Array(1024 * 1024).fill(0x61);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.length;
        if (sent > 200 * 1024 * 1024) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const error = await assertRejects(async () => {
      for await (const _ of readWatchStream(body, reading()));
    }, InvalidObjectError);
    assertStringIncludes(error.message, `the limit is ${WATCH_LINE_LIMIT}`);
    assert(sent <= WATCH_LINE_LIMIT + 3 * chunk.length, `read ${sent} bytes of 200 MB`);
  });

  test("end with the signal's reason when it aborts, even where the body does not listen to it", async () => {
    const controller = new AbortController();
    const body = new ReadableStream<Uint8Array>({});
    const ending = assertRejects(async () => {
      for await (const _ of readWatchStream(body, reading(controller.signal)));
    }, RangeError);
    controller.abort(new RangeError("enough"));
    await ending;
  });
});

describe("a line of a watch", () => {
  test("of an ERROR event becomes the error its Status describes", () => {
    const event = parseWatchEvent(
      '{"type":"ERROR","object":{"code":410,"reason":"Expired","message":"too old"}}',
      context,
    );
    assert(event.type === "ERROR" && event.error instanceof ApiError);
    assertEquals(event.error.code, "gone");
    assertEquals(event.error.status, 410);
  });

  test("that is not an event is refused with what is wrong about it", () => {
    const cases: [string, string][] = [
      ["<html>", "not JSON"],
      ["[]", "unknown event type"],
      ["7", "unknown event type"],
      ['{"type":"FOO","object":{}}', 'unknown event type "FOO"'],
      ['{"type":"BOOKMARK","object":{"metadata":{}}}', "without a resourceVersion"],
    ];
    for (const [line, words] of cases) assertThrows(() => parseWatchEvent(line, context), InvalidObjectError, words);
  });
});
