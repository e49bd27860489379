import { describe, test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { InvalidObjectError } from "../../src/kubernetes/errors.ts";
import { createLineSplitter as createByteSplitter } from "../../src/kubernetes/line-splitter.ts";

const encoder = new TextEncoder();
const bytes = (text: string): Uint8Array => encoder.encode(text);
const LIMIT = 16 * 1024 * 1024;

/** The splitter, with its lines as text. */
function createLineSplitter(limit: number) {
  const splitter = createByteSplitter(limit);
  const decoder = new TextDecoder();
  return {
    push: (chunk: Uint8Array): string[] => splitter.push(chunk).map((line) => decoder.decode(line)),
    get pending() {
      return splitter.pending;
    },
  };
}

/** A watch as it is recorded: text of one to four bytes a character, an emoji in two code units, and an object of 1 MB. */
function recordedStream(): { data: Uint8Array; lines: string[] } {
  const event = (name: string, note: string): string =>
    JSON.stringify({ type: "MODIFIED", object: { metadata: { name, annotations: { note } } } });
  const lines = [
    event("größe", "é ñ ü"),
    event("名前", "東京 서울"),
    event("emoji", "🚀 👩‍👩‍👧 𝄞"),
    event("large", "äöü€𝄞".repeat(80 * 1024)),
    event("last", "end"),
  ];
  return { data: bytes(`${lines.join("\n")}\n`), lines };
}

describe("the line splitter", () => {
  test("gives the same lines wherever the stream is cut, at every byte of a 1 MB object too", () => {
    const { data, lines } = recordedStream();
    assert(bytes(lines[3]!).length > 1_000_000);
    // Chunks of 997 bytes in all their 997 phases: every offset of the recording is a cut in exactly one pass.
    const size = 997;
    for (let phase = 1; phase <= size; phase++) {
      const splitter = createLineSplitter(LIMIT);
      const got = splitter.push(data.subarray(0, phase));
      for (let at = phase; at < data.length; at += size) got.push(...splitter.push(data.subarray(at, at + size)));
      assert(got.length === lines.length && got.every((line, i) => line === lines[i]), `phase ${phase}`);
    }
  });

  test("gives the same lines when the stream comes in two chunks, cut anywhere", () => {
    const { lines } = recordedStream();
    const short = lines.map((line) => line.replace(/(äöü€𝄞){1000,}/u, "äöü€𝄞".repeat(50)));
    const data = bytes(`${short.join("\n")}\n`);
    for (let cut = 0; cut <= data.length; cut++) {
      const splitter = createLineSplitter(LIMIT);
      assertEquals([...splitter.push(data.subarray(0, cut)), ...splitter.push(data.subarray(cut))], short);
    }
  });

  test("gives the same lines of the whole recording in two chunks, cut at every offset around a newline", () => {
    const { data, lines } = recordedStream();
    const cuts = new Set<number>();
    for (let at = data.indexOf(0x0a); at !== -1; at = data.indexOf(0x0a, at + 1)) {
      for (let cut = Math.max(0, at - 20); cut <= Math.min(data.length, at + 20); cut++) cuts.add(cut);
    }
    for (const cut of cuts) {
      const splitter = createLineSplitter(LIMIT);
      assertEquals([...splitter.push(data.subarray(0, cut)), ...splitter.push(data.subarray(cut))], lines);
    }
  });

  test("gives the same lines when every byte comes alone", () => {
    const data = bytes('{"a":"é"}\n\n{"b":"🚀"}\r\n');
    const splitter = createLineSplitter(100);
    const lines: string[] = [];
    for (const byte of data) lines.push(...splitter.push(Uint8Array.of(byte)));
    assertEquals(lines, ['{"a":"é"}', '{"b":"🚀"}\r']);
  });

  test("keeps the rest of a chunk for the next, and tells how much it holds", () => {
    const splitter = createLineSplitter(100);
    assertEquals(splitter.push(bytes("one\ntw")), ["one"]);
    assertEquals(splitter.pending, 2);
    assertEquals(splitter.push(bytes("o\n")), ["two"]);
    assertEquals(splitter.pending, 0);
  });

  test("refuses a line beyond the limit as soon as it passes it, and holds none of it", () => {
    const splitter = createLineSplitter(10);
    splitter.push(bytes("12345"));
    assertThrows(() => splitter.push(bytes("678901")), InvalidObjectError, "the limit is 10");
    assertEquals(splitter.pending, 0);
    assertThrows(() => createLineSplitter(10).push(bytes("12345678901\n")), InvalidObjectError);
    assertEquals(createLineSplitter(10).push(bytes("1234567890\n")), ["1234567890"]);
  });
});
