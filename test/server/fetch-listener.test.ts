import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../src/base/clock.ts";
import { bunHost } from "../../src/platform/bun/host.ts";
import { listenFetch } from "../../src/server/fetch-listener.ts";

describe("a handler that fails", () => {
  for (const [name, handler] of [
    ["at once", () => missing("at once")],
    ["later", async () => missing("later")],
  ] as const) {
    test(`${name} is answered 500 without a word of the inside, and the server goes on`, async () => {
      const written: string[] = [];
      const server = await listenFetch({ host: "127.0.0.1", port: 0 }, handler, {
        host: bunHost,
        clock: systemClock,
        logger: { log: (_level, message, fields) => void written.push(`${message} ${JSON.stringify(fields)}`) },
      });
      for (let i = 0; i < 2; i++) {
        const answer = await fetch(`http://127.0.0.1:${server.port}/`, { headers: { accept: "text/html" } });
        const text = await answer.text();
        assertEquals([answer.status, answer.headers.get("content-type")], [500, "application/problem+json"]);
        assertEquals((JSON.parse(text) as { code: string }).code, "internal");
        assert(!/secret|listener\.test|at once|later/.test(text), text);
      }
      assertEquals(written.length, 2);
      assert(written[0]!.includes(`secret ${name}`), written[0]);
      await server.stop(0);
    });
  }
});

function missing(when: string): never {
  throw new TypeError(`secret ${when}`);
}
