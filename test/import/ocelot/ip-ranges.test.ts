import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { ipBlocks } from "../../../src/import/ocelot/ip-ranges.ts";

const CASES: Readonly<Record<string, readonly string[] | undefined>> = {
  "192.168.1.1": ["192.168.1.1"],
  "192.168.1.0/24": ["192.168.1.0/24"],
  "fe80::/10": ["fe80::/10"],
  "192.168.1.1-192.168.1.4": ["192.168.1.1", "192.168.1.2/31", "192.168.1.4"],
  "192.168.1.0-255": ["192.168.1.0/24"],
  "10.0.0.0 - 10.0.0.0": ["10.0.0.0"],
  "0.0.0.0-255.255.255.255": ["0.0.0.0/0"],
  "192.168.1.0/255.255.255.0": ["192.168.1.0/24"],
  "10.0.0.1/255.255.255.255": ["10.0.0.1/32"],
  "10.0.0.0/255.0.255.0": undefined,
  "10.0.0.9-10.0.0.1": undefined,
  "10.0.0.1-300": undefined,
  "fe80::1-fe80::2": undefined,
  somewhere: undefined,
  "": undefined,
};

for (const [written, blocks] of Object.entries(CASES)) {
  test(`${written || "nothing"} as blocks`, () => {
    assertEquals(ipBlocks(written), blocks as string[] | undefined);
  });
}
