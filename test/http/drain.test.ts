import { describe, test } from "bun:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { lastAnswer } from "../../src/http/drain.ts";

/** An answer whose headers cannot be changed, as a runtime's own is. */
function fixed(body: string, init: ResponseInit): Response {
  const response = new Response(body, init);
  response.headers.set = () => {
    throw new TypeError("immutable");
  };
  return response;
}

describe("a gateway's last answer on a connection", () => {
  test("says so, whether its headers can be changed or not, and is the same otherwise", async () => {
    const init = { status: 503, statusText: "Busy", headers: { "x-own": "1" } };
    for (const response of [new Response("body", init), fixed("body", init)]) {
      const last = lastAnswer(response);
      assertEquals(
        [last.status, last.statusText, last.headers.get("x-own"), last.headers.get("connection"), await last.text()],
        [503, "Busy", "1", "close", "body"],
      );
    }
  });

  test("is not an upgrade, whose connection goes on", () => {
    const upgrade = { status: 101 } as Response;
    assertStrictEquals(lastAnswer(upgrade), upgrade);
  });
});
