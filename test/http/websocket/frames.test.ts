import { describe, test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  closePayload,
  createFrameReader,
  encodeFrame,
  FrameError,
  isCloseCode,
} from "../../../src/http/websocket/frames.ts";
import { closing, type Frame, frame, takeFrames } from "../../proxy/websocket-raw.ts";

const LIMIT = 1000;
const server = (opcode: number, payload: Buffer | string = "", fin = true): Buffer =>
  frame(opcode, payload, { fin, masked: false });

/** Everything a reader tells of those chunks, in order. */
function read(chunks: readonly Uint8Array[], limit = LIMIT): string[] {
  const told: string[] = [];
  const feed = createFrameReader(
    {
      message: (data, size) =>
        told.push(
          `${typeof data === "string" ? `text ${data}` : `bytes ${Buffer.from(data).toString("hex")}`} ${size}`,
        ),
      ping: (payload) => told.push(`ping ${Buffer.from(payload)}`),
      close: (code, reason) => told.push(`close ${code} ${reason}`),
    },
    limit,
  );
  for (const chunk of chunks) feed(chunk);
  return told;
}

function codeOf(bytes: Buffer, limit = LIMIT): number {
  return (assertThrows(() => read([bytes], limit), FrameError) as FrameError).code;
}

describe("frames of a server", () => {
  const stream = Buffer.concat([
    server(1, "", false),
    server(9, "are you there"),
    server(0, "gr", false),
    server(0, "üß \ufeff"),
    server(2, Buffer.from([0, 255])),
    server(10, "unasked"),
    server(1, ""),
    server(2, Buffer.alloc(300, 7)),
    server(8, closing(4001, "whý")),
  ]);
  const told = [
    "ping are you there",
    "text grüß \ufeff 10",
    "bytes 00ff 2",
    "text  0",
    `bytes ${"07".repeat(300)} 300`,
    "close 4001 whý",
  ];

  test("make the same messages wherever the bytes are cut", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      assertEquals(read([stream.subarray(0, cut), stream.subarray(cut)]), told);
    }
    assertEquals(read([...stream].map((byte) => Uint8Array.of(byte))), told);
  });

  test("a close frame without a code is 1005, and a second one after it is still read", () => {
    assertEquals(read([server(8), server(8, closing(1000))]), ["close 1005 ", "close 1000 "]);
  });

  test("that break the protocol are refused with the code that the RFC has for it", () => {
    const wrong = {
      masked: [codeOf(frame(1, "x")), 1002],
      reservedBit: [codeOf(Buffer.from([0xc1, 0])), 1002],
      unknownData: [codeOf(server(3, "x")), 1002],
      unknownControl: [codeOf(server(11)), 1002],
      fragmentedPing: [codeOf(server(9, "x", false)), 1002],
      longPing: [codeOf(server(9, "x".repeat(126))), 1002],
      continuationOfNothing: [codeOf(server(0, "x")), 1002],
      interruptedMessage: [codeOf(Buffer.concat([server(1, "a", false), server(1, "b")])), 1002],
      halfCode: [codeOf(server(8, Buffer.from([3]))), 1002],
      codeForNobody: [codeOf(server(8, closing(1006))), 1002],
      notUtf8: [codeOf(server(1, Buffer.from([0xff]))), 1007],
      reasonNotUtf8: [codeOf(server(8, Buffer.from([3, 232, 0xff]))), 1007],
      large: [codeOf(server(2, Buffer.alloc(LIMIT + 1))), 1009],
      largeInPieces: [codeOf(Buffer.concat([server(2, Buffer.alloc(LIMIT), false), server(0, "x")])), 1009],
      endless: [codeOf(Buffer.from([0x82, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255])), 1009],
    };
    assertEquals(
      Object.entries(wrong).filter(([, [found, wanted]]) => found !== wanted),
      [],
    );
  });

  test("a million empty or tiny ones cost no more than their bytes", () => {
    const tiny = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.from([0, 1, 65])));
    const empty = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.from([0, 0])));
    const chunks = [server(1, "", false), ...new Array(500).fill(empty), ...new Array(500).fill(tiny), server(0, "!")];
    Bun.gc(true);
    const before = process.memoryUsage().rss;
    assertEquals(read(chunks, 500_001), [`text ${"A".repeat(500_000)}! 500001`]);
    // A million kept objects take more than twice that; other tests' garbage comes and goes in the same process.
    assert(process.memoryUsage().rss - before < 96e6);
  });
});

describe("frames of ours", () => {
  test("are masked, whole, and say what they were given, whatever its size", () => {
    const sizes = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(65_535, 65_536, 70_001));
    fc.assert(
      fc.property(sizes, fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.nat(7), (size, mask, offset) => {
        const source = Buffer.alloc(size + offset, "podway").subarray(offset);
        const copy = Buffer.from(source);
        const frames: Frame[] = [];
        const rest = takeFrames(Buffer.from(encodeFrame(2, source, mask)), frames);
        assertEquals([rest.length, frames.length], [0, 1]);
        const { fin, opcode, masked, payload } = frames[0]!;
        assertEquals([fin, opcode, masked], [true, 2, true]);
        assert(payload.equals(copy) && source.equals(copy));
      }),
    );
  });

  test("carry text as UTF-8", () => {
    const frames: Frame[] = [];
    takeFrames(Buffer.from(encodeFrame(1, "größe \u{1f9ea}", Uint8Array.of(1, 2, 3, 4))), frames);
    assertEquals(frames[0]?.payload.toString(), "größe \u{1f9ea}");
  });

  test("say goodbye with a code and a reason that is cut at a character, or with nothing", () => {
    assertEquals([...closePayload(1005, "x")], []);
    assertEquals([...closePayload(1000, "")], [3, 232]);
    const long = Buffer.from(closePayload(1001, "ü".repeat(100)));
    assertEquals([long.length, long.subarray(2).toString()], [124, "ü".repeat(61)]);
  });
});

test("codes that a close frame may carry are those of the registry and the applications'", () => {
  const none = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000];
  assertEquals([none.some(isCloseCode), [1000, 1003, 1007, 1014, 3000, 4999].every(isCloseCode)], [false, true]);
});
