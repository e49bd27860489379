import { describe, test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { H2_ERROR, Http2ConnectionError } from "../../../src/http/http2/errors.ts";
import type { FieldLine } from "../../../src/http/http2/field-line.ts";
import { HpackDecoder } from "../../../src/http/http2/hpack-decoder.ts";
import { HpackEncoder } from "../../../src/http/http2/hpack-encoder.ts";
import { OutputBuffer } from "../../../src/http/http2/output.ts";
import { hpackBlock, hpackInteger, hpackText, huffmanOf } from "../../helpers/hpack.ts";

const NO_LIMITS = { bytes: Number.POSITIVE_INFINITY, lines: Number.POSITIVE_INFINITY };
type Line = readonly [name: string, value: string];

const bytesOf = (hex: string): Uint8Array => Uint8Array.fromHex(hex.replaceAll(/\s/g, ""));

function decode(decoder: HpackDecoder, block: ArrayLike<number>, limits = NO_LIMITS): Line[] {
  const lines: FieldLine[] = [];
  const bytes = Uint8Array.from(block);
  decoder.decode(bytes, 0, bytes.length, lines, limits);
  return lines.map(({ name, value }) => [name, value]);
}

function encode(encoder: HpackEncoder, lines: readonly Line[]): Uint8Array {
  const out = new OutputBuffer();
  encoder.begin(out);
  for (const [name, value] of lines) encoder.line(out, name, value);
  return out.take();
}

const refused = (block: ArrayLike<number>, decoder = new HpackDecoder(4096)): void => {
  const error = assertThrows(() => decode(decoder, block), Http2ConnectionError);
  assertEquals((error as Http2ConnectionError).code, H2_ERROR.compression);
};

const GET: readonly Line[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "www.example.com"],
];
const FOUND: readonly Line[] = [
  [":status", "302"],
  ["cache-control", "private"],
  ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
  ["location", "https://www.example.com"],
];
const COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

/** RFC 7541 appendix C: blocks of one connection, the lines of each, and the table's size behind it. */
const APPENDIX_C: readonly [section: string, tableSize: number, blocks: readonly [string, readonly Line[], number][]][] =
  [
    ["C.2.1", 4096, [["400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", [["custom-key", "custom-header"]], 55]]],
    ["C.2.2", 4096, [["040c 2f73 616d 706c 652f 7061 7468", [[":path", "/sample/path"]], 0]]],
    ["C.2.3", 4096, [["1008 7061 7373 776f 7264 0673 6563 7265 74", [["password", "secret"]], 0]]],
    ["C.2.4", 4096, [["82", [[":method", "GET"]], 0]]],
    ["C.3", 4096, [
      ["8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", GET, 57],
      ["8286 84be 5808 6e6f 2d63 6163 6865", [...GET, ["cache-control", "no-cache"]], 110],
      ["8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", [
        [":method", "GET"], [":scheme", "https"], [":path", "/index.html"], [":authority", "www.example.com"],
        ["custom-key", "custom-value"]], 164],
    ]],
    ["C.4", 4096, [
      ["8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", GET, 57],
      ["8286 84be 5886 a8eb 1064 9cbf", [...GET, ["cache-control", "no-cache"]], 110],
      ["8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", [
        [":method", "GET"], [":scheme", "https"], [":path", "/index.html"], [":authority", "www.example.com"],
        ["custom-key", "custom-value"]], 164],
    ]],
    ["C.5", 256, [
      ["4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", FOUND, 222],
      ["4803 3330 37c1 c0bf", [[":status", "307"], ...FOUND.slice(1)], 222],
      ["88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31", [
        [":status", "200"], ["cache-control", "private"], ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
        ["location", "https://www.example.com"], ["content-encoding", "gzip"], ["set-cookie", COOKIE]], 215],
    ]],
    ["C.6", 256, [
      ["4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3", FOUND, 222],
      ["4883 640e ffc1 c0bf", [[":status", "307"], ...FOUND.slice(1)], 222],
      ["88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07", [
        [":status", "200"], ["cache-control", "private"], ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
        ["location", "https://www.example.com"], ["content-encoding", "gzip"], ["set-cookie", COOKIE]], 215],
    ]],
  ]; // biome-ignore format: as the RFC prints it

describe("HPACK", () => {
  for (const [section, tableSize, blocks] of APPENDIX_C) {
    test(`decodes RFC 7541 ${section} as printed there`, () => {
      const decoder = new HpackDecoder(tableSize);
      for (const [hex, lines, size] of blocks) {
        assertEquals(decode(decoder, bytesOf(hex)), [...lines]);
        assertEquals(decoder.held, size);
      }
    });
  }

  test("decodes the numbers of RFC 7541 C.1", () => {
    // As the length of a value: 10, 1337 and 42 characters.
    for (const length of [10, 1337, 42, 126, 127, 128, 16_383]) {
      const value = "x".repeat(length);
      assertEquals(decode(new HpackDecoder(4096), hpackBlock([["a", value]])), [["a", value]]);
    }
    assertEquals(hpackInteger(0, 5, 1337), [0x1f, 0x9a, 0x0a]);
  });

  test("decodes every byte, with Huffman code and without", () => {
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
    for (const huffman of [false, true]) {
      assertEquals(decode(new HpackDecoder(4096), hpackBlock([["x", all]], huffman)), [["x", all]]);
      for (const letter of all) {
        assertEquals(decode(new HpackDecoder(4096), hpackBlock([[letter, letter]], huffman)), [[letter, letter]]);
      }
    }
  });

  test("refuses what is no HPACK, as COMPRESSION_ERROR", () => {
    const text = (bytes: number[]): number[] => [0, ...hpackText("a"), 0x80 | bytes.length, ...bytes];
    const cases: Record<string, number[]> = {
      "index 0 (6.1)": [0x80],
      "an index beyond an empty table (2.3.3)": [0x80 | 62],
      "an index beyond the table, in more bytes": hpackInteger(0x80, 7, 70),
      "a name's index beyond the table": [0x40 | 62, 1, 97],
      "a number that never ends (5.1)": [0xff, 0x80],
      "a number of more than 32 bits": [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
      "a number beyond 2^31": [0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
      "a number padded with bytes that add nothing": [0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
      "a block that ends after a name": [0x40, 1, 97],
      "a block that ends within a name": [0x40, 5, 97],
      "a block that ends within a value": [0x40, 1, 97, 5, 97],
      "a text longer than memory": [0x40, 0x7f, 0xff, 0xff, 0xff, 0xff, 0x07],
      "padding of zeros (5.2)": text(huffmanOf("a", "0")),
      "padding of more than 7 bits (5.2)": text([...huffmanOf("0"), 0xff]),
      "a byte of padding alone": text([0xff]),
      "EOS (5.2)": text([0xff, 0xff, 0xff, 0xff]),
      "EOS behind a letter": text([0x1f, 0xff, 0xff, 0xff, 0xfc]),
      "a size update behind a field (4.2)": [0x82, 0x20],
      "a size update beyond what was announced (6.3)": hpackInteger(0x20, 5, 4097),
    };
    for (const block of Object.values(cases)) refused(block);
  });

  test("takes size updates at the beginning of a block, and evicts by them", () => {
    const decoder = new HpackDecoder(4096);
    decode(decoder, [0x40, 1, 97, 1, 98]);
    assertEquals(decoder.held, 34);
    assertEquals(decode(decoder, [0x20, 0x3f, 0xe1, 0x1f, 0x82]), [[":method", "GET"]]);
    assertEquals(decoder.held, 0);
    refused([0x80 | 62], decoder);
  });

  test("empties the table for a line that is larger than it (RFC 7541 section 4.4)", () => {
    const decoder = new HpackDecoder(64);
    decode(decoder, [0x40, 1, 97, 1, 98]);
    assertEquals(decode(decoder, [0x40, ...hpackText("a"), ...hpackText("x".repeat(40))]), [["a", "x".repeat(40)]]);
    assertEquals(decoder.held, 0);
  });

  test("keeps a name of the table that its own line evicts (RFC 7541 section 4.4)", () => {
    const decoder = new HpackDecoder(80);
    decode(decoder, [0x40, ...hpackText("name"), ...hpackText("a")]);
    assertEquals(decode(decoder, [0x40 | 62, ...hpackText("v".repeat(40))]), [["name", "v".repeat(40)]]);
    assertEquals(decoder.held, 76);
  });

  test("finds every entry of a table that has been turned over many times", () => {
    const decoder = new HpackDecoder(4096);
    for (let round = 0; round < 1000; round++) {
      decode(decoder, [0x40, ...hpackText("n"), ...hpackText(String(round))]);
      for (let back = 0; back < Math.min(5, round + 1); back++) {
        assertEquals(decode(decoder, [0x80 | (62 + back)]), [["n", String(round - back)]]);
      }
      assert(decoder.held <= 4096);
    }
  });

  test("keeps nothing of a list beyond its limits, but stays in step", () => {
    const decoder = new HpackDecoder(4096);
    const lines: FieldLine[] = [];
    const block = Uint8Array.from([0x82, 0x40, ...hpackText("a"), ...hpackText("b"), 0x84]);
    assertEquals(decoder.decode(block, 0, block.length, lines, { bytes: 1000, lines: 1 }), false);
    assertEquals(lines.length, 1);
    assertEquals(decoder.decode(block, 0, block.length, [], { bytes: 60, lines: 10 }), false);
    assertEquals(decode(decoder, [0x80 | 62]), [["a", "b"]]);
    assertEquals(decoder.decode(block, 0, block.length, [], { bytes: 42 + 34 + 38, lines: 3 }), true);
  });

  const text = fc.oneof(
    fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)), maxLength: 300 }),
    fc.constantFrom("", "GET", "200", "gzip, deflate", "text/html"),
  );
  const name = fc.oneof(text, fc.constantFrom(":method", ":status", "date", "set-cookie", "x-a", "accept-encoding"));
  const blocks = fc.array(fc.array(fc.tuple(name, text), { maxLength: 12 }), { maxLength: 12 });

  test("decodes what it encodes, whatever the table's size is changed to", () => {
    fc.assert(
      fc.property(blocks, fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 12 }), (lists, sizes) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder(4096);
        lists.forEach((lines, i) => {
          if (sizes[i] !== undefined) encoder.setCapacity(sizes[i]);
          if (sizes[i + 1] !== undefined && i % 3 === 0) encoder.setCapacity(sizes[i + 1]!);
          for (let repeat = 0; repeat < 3; repeat++) {
            assertEquals(decode(decoder, encode(encoder, lines)), lines as Line[]);
            assertEquals(encoder.held, decoder.held);
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  test("sends an answer's repeated fields in a byte each", () => {
    const encoder = new HpackEncoder();
    const lines: readonly Line[] = [
      [":status", "200"],
      ["content-type", "application/json"],
      ["server", "x"],
      ["x-own", "yes"],
    ];
    encode(encoder, lines);
    encode(encoder, lines);
    assertEquals(encode(encoder, lines).length, 4);
  });

  test("never puts credentials into a table, nor lets the next hop do so (RFC 7541 section 7.1.3)", () => {
    const encoder = new HpackEncoder();
    for (const secret of ["set-cookie", "authorization", "cookie", "proxy-authorization", "x-api-key"]) {
      for (let i = 0; i < 4; i++) assertEquals(encode(encoder, [[secret, "s=1"]])[0]! & 0xf0, 0x10);
    }
    assertEquals(encoder.held, 0);
  });

  test("announces a smaller table before its first use (RFC 7541 section 4.2)", () => {
    const encoder = new HpackEncoder();
    encoder.setCapacity(0);
    encoder.setCapacity(100);
    assertEquals([...encode(encoder, [[":status", "200"]])], [0x20, 0x3f, 69, 0x88]);
    assertEquals([...encode(encoder, [[":status", "200"]])], [0x88]);
  });
});
