import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { cookieValue } from "../../src/http/cookie.ts";

describe("the value of a cookie", () => {
  const read = (line: string | undefined, name = "sid") =>
    cookieValue(new Headers(line === undefined ? {} : { cookie: line }), name);

  test("is found wherever it stands, by its whole name", () => {
    assertEquals(read("sid=1"), "1");
    assertEquals(read("a=b;sid=1;c=d"), "1");
    assertEquals(read("xsid=0; sidx=0; sid=1 ; sid=2"), "1");
    assertEquals(read("a=sid=3; sid=4=5"), "4=5");
    assertEquals(read("sid="), "");
    for (const line of [";sid=1", "; ;sid=1", "a;sid=1;", "=;sid=1", "s;sid=1", " sid=1", ";;a=b; sid=1"]) {
      assertEquals([line, read(line)], [line, "1"]);
    }
  });

  test("is undefined where no cookie has the name", () => {
    for (const line of [undefined, "sid", "a=sid", "Sid=1", "si=d", ";;; ", "x=1; y=2"])
      assertEquals(read(line), undefined);
  });
});
