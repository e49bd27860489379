import { describe, test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { H2_ERROR, Http2ConnectionError } from "../../../src/http/http2/errors.ts";
import { FrameWriter } from "../../../src/http/http2/frame-writer.ts";
import { FLAG, FRAME, FRAME_BYTES, FrameReader } from "../../../src/http/http2/frames.ts";
import { data, frame, get, HELLO, ping, post, settings, windowUpdate } from "../../helpers/http2-frames.ts";

interface Seen {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: string;
}

/** What a reader makes of these pieces. */
function read(pieces: readonly Uint8Array[]): { seen: Seen[]; held: number } {
  const seen: Seen[] = [];
  const reader = new FrameReader({
    frame(type, flags, stream, bytes, start, end) {
      seen.push({ type, flags, stream, payload: Buffer.from(bytes.subarray(start, end)).toString("hex") });
    },
  });
  for (const piece of pieces) reader.push(piece);
  return { seen, held: reader.held };
}

const SESSION = Uint8Array.from([
  ...HELLO.slice(24),
  ...settings([1, 0], [4, 70_000]),
  ...get(1),
  ...post(3),
  ...data(3, "abc"),
  ...data(3, [], true),
  ...ping(),
  ...windowUpdate(0, 5),
  ...frame(0xfe, 0xff, 0x7fff_ffff, [1, 2, 3]),
]);

describe("the reader of frames", () => {
  const whole = read([SESSION]).seen;

  test("finds the same frames wherever the bytes are cut", () => {
    assertEquals(whole.length, 9);
    for (let cut = 0; cut <= SESSION.length; cut++) {
      assertEquals(read([SESSION.subarray(0, cut), SESSION.subarray(cut)]).seen, whole);
    }
    assertEquals(read(Array.from(SESSION, (byte) => Uint8Array.of(byte))).seen, whole);
  });

  test("finds the same frames in pieces of any sizes", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 }), (sizes) => {
        const pieces: Uint8Array[] = [];
        let at = 0;
        for (const size of sizes) {
          pieces.push(SESSION.subarray(at, at + size));
          at += size;
        }
        assertEquals(read([...pieces, SESSION.subarray(at)]).seen, whole);
      }),
    );
  });

  test("holds no more than the frame that is not whole", () => {
    const large = Uint8Array.from(data(1, new Uint8Array(FRAME_BYTES)));
    assertEquals(read([SESSION, large.subarray(0, 5000)]).held, 5000);
    assertEquals(read([SESSION, large]).held, 0);
  });

  test("hands over payloads that stay as they are when the next bytes come", () => {
    const payloads: Uint8Array[] = [];
    const reader = new FrameReader({
      frame: (_type, _flags, _stream, bytes, start, end) => void payloads.push(bytes.subarray(start, end)),
    });
    for (const byte of [...data(1, "abc"), ...data(1, "def"), ...data(1, "ghi")]) reader.push(Uint8Array.of(byte));
    assertEquals(
      payloads.map((payload) => Buffer.from(payload).toString()),
      ["abc", "def", "ghi"],
    );
  });

  test("refuses a frame beyond 2^14 bytes by its first three", () => {
    const reader = new FrameReader({ frame() {} });
    for (const byte of [0, 0x40, 1, 0, 0, 0, 0, 0]) reader.push(Uint8Array.of(byte));
    const error = assertThrows(() => reader.push(Uint8Array.of(1)), Http2ConnectionError) as Http2ConnectionError;
    assertEquals(error.code, H2_ERROR.frameSize);
  });

  test("hands over nothing once it is stopped, in the middle of bytes too", () => {
    let count = 0;
    const reader: FrameReader = new FrameReader({
      frame() {
        if (++count === 2) reader.stop();
      },
    });
    reader.push(SESSION);
    reader.push(SESSION);
    assertEquals(count, 2);
    assertEquals(reader.held, 0);
  });
});

describe("the writer of frames", () => {
  const written = (write: (writer: FrameWriter) => void): Seen[] => {
    const writer = new FrameWriter();
    write(writer);
    return read([writer.take()]).seen;
  };

  test("writes each frame as the RFC has it", () => {
    assertEquals(
      written((writer) => {
        writer.settings([
          [3, 100],
          [4, 0x7fff_ffff],
        ]);
        writer.settingsAck();
        writer.ping(new TextEncoder().encode("x12345678"), 1, true);
        writer.rstStream(5, 8);
        writer.windowUpdate(0, 0x7fff_fffe);
        writer.goaway(7, 11, "why");
      }),
      [
        { type: FRAME.settings, flags: 0, stream: 0, payload: "0003000000640004" + "7fffffff" },
        { type: FRAME.settings, flags: FLAG.ack, stream: 0, payload: "" },
        { type: FRAME.ping, flags: FLAG.ack, stream: 0, payload: "3132333435363738" },
        { type: FRAME.rstStream, flags: 0, stream: 5, payload: "00000008" },
        { type: FRAME.windowUpdate, flags: 0, stream: 0, payload: "7ffffffe" },
        { type: FRAME.goaway, flags: 0, stream: 0, payload: "000000070000000b776879" },
      ],
    );
  });

  test("cuts a header block that one frame cannot hold into CONTINUATION frames", () => {
    for (const size of [0, 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES, 3 * FRAME_BYTES + 5]) {
      const block = Uint8Array.from({ length: size }, (_, i) => i % 251);
      const frames = written((writer) => {
        writer.settingsAck();
        const start = writer.beginBlock();
        writer.append(block);
        writer.endBlock(start, 9, true);
        writer.settingsAck();
      }).slice(1, -1);
      assertEquals(frames.map(({ payload }) => payload).join(""), Buffer.from(block).toString("hex"));
      assertEquals(
        frames.map(({ type }) => type),
        frames.map((_, i) => (i === 0 ? FRAME.headers : FRAME.continuation)),
      );
      assertEquals(frames[0]!.flags & FLAG.endStream, FLAG.endStream);
      assertEquals(
        frames.map(({ flags }) => (flags & FLAG.endHeaders) !== 0),
        frames.map((_, i) => i === frames.length - 1),
      );
    }
  });

  test("ends a stream with the last DATA frame that has not left, else with one of its own", () => {
    const bytes = new TextEncoder().encode("abc");
    assertEquals(
      written((writer) => {
        const mark = writer.data(1, bytes, 0, 3, false);
        writer.data(3, bytes, 1, 2, false);
        writer.endData(1, mark);
      }).map(({ stream, flags, payload }) => [stream, flags, payload]),
      [
        [1, FLAG.endStream, "616263"],
        [3, 0, "62"],
      ],
    );
    const writer = new FrameWriter();
    const mark = writer.data(1, bytes, 0, 3, false);
    assert(writer.take().length > 0);
    writer.data(3, bytes, 0, 3, false);
    writer.endData(1, mark);
    assertEquals(
      read([writer.take()]).seen.map(({ stream, flags }) => [stream, flags]),
      [
        [3, 0],
        [1, FLAG.endStream],
      ],
    );
  });

  test("gives each buffer away: what is written later does not change it", () => {
    const writer = new FrameWriter();
    writer.rstStream(1, 1);
    const first = writer.take();
    const before = Buffer.from(first).toString("hex");
    for (let i = 0; i < 100; i++) writer.rstStream(3, 2);
    writer.take();
    assertEquals(Buffer.from(first).toString("hex"), before);
  });
});
