import { describe, test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { ApiError, InvalidObjectError } from "../../src/kubernetes/errors.ts";
import type { ByteReader } from "../../src/kubernetes/types.ts";
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

async function collect<T = never>(chunks: Uint8Array[], read?: ByteReader<T>): Promise<WatchEvent<T>[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const events: WatchEvent<T>[] = [];
  for await (const some of readWatchStream(body, { ...reading(), read })) events.push(...some);
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

describe("objects that are read from their bytes", () => {
  /** Reads `{"n":"NAME"}` and knows no other object. */
  const read: ByteReader<string> = (bytes, at) => {
    const [text, name] = /^\{"n":"(\w+)"\}/.exec(new TextDecoder().decode(bytes.subarray(at))) ?? [];
    if (text === undefined) return undefined;
    return { namespace: "default", name: name!, resourceVersion: "1", item: name, end: at + text.length };
  };
  const kindOf = (event: WatchEvent<string>): unknown[] =>
    event.type === "READ" ? ["READ", event.deleted, event.object.name] : [event.type];

  test("are never made into JSON objects, whatever happened to them", async () => {
    const lines = ["ADDED", "MODIFIED", "DELETED"].map((type) => `{"type":"${type}","object":{"n":"${type}"}}\n`);
    assertEquals((await collect([encoder.encode(lines.join(""))], read)).map(kindOf), [
      ["READ", false, "ADDED"],
      ["READ", false, "MODIFIED"],
      ["READ", true, "DELETED"],
    ]);
  });

  test("are left to JSON where the reader is not sure, the line is spelt otherwise or more follows", async () => {
    const lines = [
      '{"type":"ADDED","object":{"other":1}}',
      '{"type":"ADDED", "object":{"n":"a"}}',
      '{"object":{"n":"a"},"type":"ADDED"}',
      '{"type":"ADDED","object":{"n":"a"},"more":1}',
      '{"type":"ADDED","object":{"n":"a"}} ',
      '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}',
    ];
    const events = await collect([encoder.encode(`${lines.join("\n")}\n`)], read);
    assertEquals(events.flatMap(kindOf), ["ADDED", "ADDED", "ADDED", "ADDED", "ADDED", "BOOKMARK"]);
    for (const event of events) if (event.type === "ADDED") assert(typeof event.object === "object");
  });
});

test("a bookmark ends the initial events where its annotation says true, and nowhere else", () => {
  const bookmark = (annotations?: unknown): WatchEvent =>
    parseWatchEvent(
      JSON.stringify({ type: "BOOKMARK", object: { metadata: { resourceVersion: "7", annotations } } }),
      context,
    );
  const key = "k8s.io/initial-events-end";
  assertEquals(bookmark({ [key]: "true" }), { type: "BOOKMARK", resourceVersion: "7", initialEnd: true });
  for (const other of [undefined, null, {}, { [key]: "false" }, { [key]: true }, { other: "true" }]) {
    assertEquals(bookmark(other), { type: "BOOKMARK", resourceVersion: "7" });
  }
});
