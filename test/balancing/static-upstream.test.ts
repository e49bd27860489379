import { describe, test } from "bun:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { staticUpstream } from "../../src/balancing/static-upstream.ts";

describe("static nodes", () => {
  test("are addresses like those of a service: sorted, IPv6 in brackets, names as they are", () => {
    const upstream = staticUpstream(
      [
        { host: "backend.example.org", port: 80, weight: 1 },
        { host: "fd00::1", port: 80, weight: 1 },
        { host: "[fd00::2]", port: 80, weight: 1 },
        { host: "10.0.0.1", port: 8081, weight: 1 },
        { host: "10.0.0.1", port: 443, weight: 0 },
      ],
      "legacy",
    );
    assertEquals(
      upstream.endpoints().map(({ host, address, weight }) => ({ host, address, weight })),
      [
        { host: "10.0.0.1", address: "10.0.0.1:443", weight: 0 },
        { host: "10.0.0.1", address: "10.0.0.1:8081", weight: 1 },
        { host: "backend.example.org", address: "backend.example.org:80", weight: 1 },
        { host: "fd00::1", address: "[fd00::1]:80", weight: 1 },
        { host: "fd00::2", address: "[fd00::2]:80", weight: 1 },
      ],
    );
    assertEquals(
      [upstream.name, upstream.cluster, upstream.reason(), upstream.refresh()],
      ["legacy", "", undefined, undefined],
    );
    assertStrictEquals(upstream.endpoints(), upstream.endpoints());
    assert(Object.isFrozen(upstream.endpoints()));
  });

  test("a node named twice has both weights", () => {
    const node = { host: "10.0.0.1", port: 80, weight: 30 };
    assertEquals(
      staticUpstream([node, { ...node, weight: 20 }], "legacy")
        .endpoints()
        .map(({ weight }) => weight),
      [50],
    );
  });

  test("a node named twice with different priorities has the greater one, and its weight", () => {
    const node = { host: "10.0.0.1", port: 80 };
    const named = [
      { ...node, weight: 1, priority: -1 },
      { ...node, weight: 2, priority: 3 },
      { ...node, weight: 4 },
    ];
    const found = staticUpstream(named, "legacy").endpoints();
    assertEquals(
      found.map(({ weight, priority }) => [weight, priority]),
      [[2, 3]],
    );
  });
});
