import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { silentLogger } from "../../src/base/log.ts";
import { createGateway } from "../../src/gateway/gateway.ts";
import { UpstreamError } from "../../src/http/upstream-error.ts";
import { config } from "../config/support.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { type Send, transportOf } from "../helpers/transport.ts";

/** Asks a gateway of two routes, whose pods are a function, and gives back how many of the answers were good. */
function gatewayTo(fetch: Send, yaml: string): (path: string, times: number) => Promise<number> {
  const gateway = createGateway({
    config: config(yaml),
    createCluster: () => {
      throw new Error("there is no cluster");
    },
    transportFor: () => transportOf(fetch),
    plainFetch: globalThis.fetch,
    userMiddleware: () => {
      throw new Error("there is no module");
    },
    // One second for all of it.
    clock: createFakeClock(),
    random: () => 0,
    logger: silentLogger,
    writeAccessLog: () => {},
  });
  return async (path, times) => {
    let good = 0;
    for (let i = 0; i < times; i++) {
      const answer = await gateway.fetch(new Request(`http://gateway.test${path}`), "127.0.0.1", "http");
      if (answer.ok) good++;
    }
    return good;
  };
}

const YAML = `server: { access_log: false }
defaults: { health: { passive: false } }
routes:
  - { id: sick, path: /sick, nodes: [{ host: sick, port: 1 }, { host: sick, port: 2 }] }
  - { id: well, path: /well, nodes: [{ host: sick, port: 3 }, { host: well, port: 4 }] }`;

const broken = (failure: "connect" | "reset"): Send =>
  async function send(url) {
    if (new URL(url).hostname === "sick") throw new UpstreamError(failure, "it did not work");
    return new Response("ok");
  };

describe("a service whose pods all fail", () => {
  test("takes no retry from another service", async () => {
    const ask = gatewayTo(broken("reset"), YAML);
    assertEquals(await ask("/sick", 30), 0);
    assertEquals(await ask("/well", 10), 10);
  });

  test("may be tried again without bounds where no connection is made", async () => {
    const ask = gatewayTo(broken("connect"), YAML);
    assertEquals(await ask("/sick", 30), 0);
    assertEquals(await ask("/well", 200), 200);
  });
});
