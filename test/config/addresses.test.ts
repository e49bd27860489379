import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { canonicalAddress } from "../../src/base/addresses.ts";

describe("an IPv6 address", () => {
  // RFC 5952 section 4.
  test.each([
    ["2001:0DB8::0001", "2001:db8::1"],
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["1:0:0:2:0:0:3:4", "1::2:0:0:3:4"],
    ["1:0:0:2:0:0:0:4", "1:0:0:2::4"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["::ffff:10.0.0.1", "::ffff:a00:1"],
  ])("%s is written as %s", (text, written) => assertEquals(canonicalAddress(text), written));

  test("an IPv4 address and a name stay as they are", () => {
    for (const text of ["10.0.0.1", "Web.example", "fd00::zz"]) assertEquals(canonicalAddress(text), text);
  });
});
