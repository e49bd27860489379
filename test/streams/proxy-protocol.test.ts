import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { proxyHeader } from "../../src/streams/proxy-protocol.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("the header of the PROXY protocol", () => {
  test.each([
    ["192.0.2.7", "198.51.100.1", "PROXY TCP4 192.0.2.7 198.51.100.1 40000 5432\r\n"],
    ["2001:db8::7", "2001:db8::1", "PROXY TCP6 2001:db8::7 2001:db8::1 40000 5432\r\n"],
  ])("version 1 from %s to %s", (from, to, line) => {
    assertEquals(text(proxyHeader("v1", { host: from, port: 40_000 }, { host: to, port: 5432 })), line);
  });

  const start = "0d0a0d0a000d0a515549540a21";
  test.each([
    ["192.0.2.7", "198.51.100.1", "11000c", "c0000207c6336401"],
    ["2001:db8::7", "::1", "210024", `20010db8${"0".repeat(22)}07${"0".repeat(30)}01`],
    ["::ffff:192.0.2.7", "fe80::1%eth0", "210024", `${"0".repeat(20)}ffffc0000207fe80${"0".repeat(26)}01`],
    ["192.0.2.7", "::1", "210024", `${"0".repeat(20)}ffffc0000207${"0".repeat(30)}01`],
  ])("version 2 from %s to %s", (from, to, kind, addresses) => {
    const header = proxyHeader("v2", { host: from, port: 40_000 }, { host: to, port: 5432 });
    assertEquals(hex(header), `${start}${kind}${addresses}9c401538`);
  });
});
