import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { createPeerWarnings } from "../../src/proxy/peer-warnings.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";

function warnings() {
  const clock = createFakeClock();
  const peers: unknown[] = [];
  const warn = createPeerWarnings({
    clock,
    logger: { log: (_level, _message, fields) => void peers.push(fields?.peer) },
  });
  return { clock, peers, warn };
}

describe("a warning of a peer that is no trusted proxy", () => {
  test("comes once for each peer", () => {
    const { peers, warn } = warnings();
    for (const peer of ["10.0.0.1", "10.0.0.2", "10.0.0.1"]) warn(peer);
    assertEquals(peers, ["10.0.0.1", "10.0.0.2"]);
  });

  test("comes ten times a minute at most, and again from the next minute's beginning on", async () => {
    const { clock, peers, warn } = warnings();
    for (let n = 1; n <= 11; n++) warn(`10.0.0.${n}`);
    assertEquals(peers.length, 10);
    await clock.advance(59_999);
    warn("10.0.1.1");
    assertEquals(peers.length, 10);
    await clock.advance(1);
    warn("10.0.1.2");
    assertEquals(peers.length, 11);
  });

  test("comes for a thousand peers at most: what is remembered does not grow with them", async () => {
    const { clock, peers, warn } = warnings();
    for (let n = 0; n < 1200; n++) {
      warn(`peer-${n}`);
      await clock.advance(60_000);
    }
    assertEquals(peers.length, 1000);
  });
});
