import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { queryValue } from "../../src/balancing/request-key.ts";

describe("the value of a query parameter", () => {
  test("is decoded, the first of its name, undefined where there is none", () => {
    assertEquals(queryValue("?user=a%20b&user=c", "user"), "a b");
    assertEquals(queryValue("?superuser=1", "user"), undefined);
    assertEquals(queryValue("?", "user"), undefined);
    assertEquals(queryValue("", "user"), undefined);
    assertEquals(queryValue("?user=%zz", "user"), "%zz");
  });
});
