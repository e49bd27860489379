import { describe, test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { UnwritableHead, writtenField } from "../../../src/http/http1/write-fields.ts";
import { mayTrail } from "../../../src/http/trailers.ts";

describe("a field line", () => {
  test("is written as its name and value are", () => {
    assertEquals(writtenField("X-A", "\tsome \u00ff, text"), "X-A: \tsome \u00ff, text\r\n");
  });

  for (const [name, value] of [
    ["a", "b\r\nc: d"],
    ["a", "b\rc"],
    ["a", "b\nc"],
    ["a", "b\0"],
    ["a", "\u010d\u010a"],
    ["a\r\nb", "c"],
    ["a b", "c"],
    ["a:", "c"],
    ["", "c"],
    ["é", "c"],
  ] as const) {
    test(`is not written where it could be read as another: ${JSON.stringify([name, value])}`, () => {
      assertThrows(() => writtenField(name, value), UnwritableHead);
    });
  }
});

test("only fields that a receiver need not know before the content may stand behind it", () => {
  const names = "transfer-encoding content-length host trailer set-cookie content-type grpc-status etag x-a digest";
  assertEquals(names.split(" ").filter(mayTrail), ["grpc-status", "etag", "x-a", "digest"]);
});
