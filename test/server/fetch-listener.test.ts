import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { openServer } from "../../../src/platform/bun/listen.ts";

describe("a handler that fails", () => {
  for (const [name, handler] of [
    ["at once", () => missing("at once")],
    ["later", async () => missing("later")],
  ] as const) {
    test(`${name} is answered 500 without a word of the inside, and the server goes on`, async () => {
      const written: string[] = [];
      const report = (line: string) => void written.push(line);
      const server = openServer({ host: "127.0.0.1", port: 0 }, handler, undefined, { report });
      for (let i = 0; i < 2; i++) {
        const answer = await fetch(`http://127.0.0.1:${server.port}/`, { headers: { accept: "text/html" } });
        const text = await answer.text();
        assertEquals([answer.status, answer.headers.get("content-type")], [500, "application/problem+json"]);
        assertEquals((JSON.parse(text) as { code: string }).code, "internal");
        assert(!/secret|listen\.test|at once|later/.test(text), text);
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
