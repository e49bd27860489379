import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { compileValue } from "../../src/routing/template.ts";
import { requestFacts } from "../helpers/routes.ts";

describe("a text with parts of the request", () => {
  const facts = requestFacts({ target: "/a/b", authority: "shop.test", headers: { "x-one": "1" } });
  test.each([
    ["{host}", "shop.test"],
    ["at {host}{path}!", "at shop.test/a/b!"],
    ["{header.x-one}-{header.x-two}", "1-"],
    ["{header.x-two}", undefined],
    ["{header.x-two}{cookie.c}", undefined],
    ["{unknown} stays, {host} does not", "{unknown} stays, shop.test does not"],
    ["", ""],
  ] as const)("%s is %s", (text, value) => assertEquals(compileValue(text)(facts), value));

  test("takes the parts of the caller first", () => {
    const own = (name: string) => (name === "host" ? () => "mine" : undefined);
    assertEquals(compileValue("{host}{path}", own)(facts), "mine/a/b");
  });
});
