import { describe, test } from "bun:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { lastAnswer } from "../../src/http/drain.ts";
import { Fields } from "../../src/http/header-fields.ts";
import type { HttpAnswer } from "../../src/http/message.ts";
import { collect } from "../helpers/body.ts";

describe("a gateway's last answer on a connection", () => {
  test("says so, whoever made it, and is the same otherwise", async () => {
    const lines: [string, string][] = [["X-Own", "1"]];
    const plain: HttpAnswer = { status: 503, statusText: "Busy", headers: Fields.from(lines), body: "body" };
    // A runtime's own answer, whose headers cannot be changed.
    const fixed = Response.redirect("http://a.test/");
    for (const answer of [plain, new Response("body", { status: 503, statusText: "Busy" }), fixed]) {
      const last = lastAnswer(answer);
      assertEquals(
        [last.status, last.statusText, last.headers.get("connection")],
        [answer.status, answer.statusText, "close"],
      );
      assertEquals(
        await collect(last.body),
        await collect(plain === answer ? plain.body : answer === fixed ? null : "body"),
      );
    }
    assertEquals(plain.headers.get("x-own"), "1");
  });

  test("is not an upgrade, whose connection goes on", () => {
    const upgrade = { status: 101 } as Response;
    assertStrictEquals(lastAnswer(upgrade), upgrade);
  });
});
