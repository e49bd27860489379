import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { isAddressAt, readAddress } from "../../src/discovery/records/object-reader.ts";

const CASES: readonly [string, boolean][] = [
  ["10.0.0.1", true],
  ["0.0.0.0", true],
  ["255.255.255.255", true],
  ["010.1.0.8", false],
  ["10.1.0.08", false],
  ["999.1.1.1", false],
  ["256.1.1.1", false],
  ["1.2.3", false],
  ["1.2.3.4.5", false],
  ["1..2.3", false],
  ["", false],
  ["fd00::1", true],
  ["::", true],
  ["::1", true],
  ["1:2:3:4:5:6:7:8", true],
  ["1:2:3:4:5:6:7:8:9", false],
  [":", false],
  ["fd00:::1", false],
  ["example.org", false],
];

describe("an address of an endpoint", () => {
  for (const [text, expected] of CASES) {
    test(`${JSON.stringify(text)} is ${expected ? "taken" : "left out: a URL would read another host, or none"}`, () => {
      const bytes = new TextEncoder().encode(`"${text}"`);
      assertEquals([readAddress(text) !== undefined, isAddressAt(bytes, 1, bytes.length - 1)], [expected, expected]);
    });
  }
});
