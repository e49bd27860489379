import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { latin1, standardLatin1 } from "../../src/platform/latin1.ts";

describe.each([
  ["with what this runtime has", latin1],
  ["with what every runtime has", standardLatin1],
])("bytes as text, %s", (_how, decode) => {
  test("are each the character of that number", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    assertEquals(
      Array.from(decode(bytes, 0, 256), (c) => c.charCodeAt(0)),
      [...bytes],
    );
  });

  test("are those from the start to the end, of a part of a buffer too", () => {
    const bytes = new TextEncoder().encode("0123456789").subarray(2);
    assertEquals([decode(bytes, 0, 0), decode(bytes, 1, 4), decode(bytes, 7, 8)], ["", "345", "9"]);
  });
});
