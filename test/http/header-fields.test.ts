import { describe, test } from "bun:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { Fields, headersOf } from "../../src/http/header-fields.ts";

const linesOf = (fields: Fields): [string, string][] => {
  const lines: [string, string][] = [];
  fields.forEachLine((name, value) => lines.push([name, value]));
  return lines;
};

describe("header fields", () => {
  test("keep the order, the letters and the lines they came in", () => {
    const lines: [string, string][] = [
      ["Host", "a"],
      ["X-B", "1"],
      ["Accept", "x"],
      ["x-b", "2"],
    ];
    assertEquals(linesOf(Fields.from(lines)), lines);
  });

  test("are set in the place of the first line of their name", () => {
    const fields = Fields.from([
      ["A", "1"],
      ["B", "2"],
      ["a", "3"],
      ["C", "4"],
      ["A", "5"],
    ]);
    fields.set("a", "6");
    assertEquals(linesOf(fields), [
      ["a", "6"],
      ["B", "2"],
      ["C", "4"],
    ]);
  });

  test("are as good as the fetch standard's, a line each, where that is asked for", () => {
    const fields = Fields.from([
      ["Set-Cookie", "a=1"],
      ["X-A", "\xe9"],
      ["set-cookie", "b=2"],
    ]);
    const headers = headersOf(fields);
    assertEquals(headers.getSetCookie(), ["a=1", "b=2"]);
    assertEquals(headers.get("x-a"), "\xe9");
    assertStrictEquals(headersOf(headers), headers);
  });

  test("join the crumbs of a cookie as one line would have them", () => {
    const fields = Fields.from([
      ["cookie", "a=1"],
      ["Cookie", "b=2"],
    ]);
    assertEquals(fields.get("cookie"), "a=1; b=2");
  });

  test("read and change as those of the fetch standard do", () => {
    const name = fc.constantFrom("a", "A", "b", "B-c", "b-C");
    const value = fc.constantFrom("1", "2", "x y");
    const change = fc.tuple(fc.constantFrom("append", "set", "delete"), name, value);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const ours = new Fields();
        const standard = new Headers();
        for (const [what, key, text] of changes) {
          for (const fields of [ours, standard]) {
            if (what === "delete") fields.delete(key);
            else fields[what as "append" | "set"](key, text);
          }
          for (const key of ["A", "b", "b-c"]) {
            assertEquals(ours.get(key), standard.get(key));
            assertEquals(ours.has(key), standard.has(key));
          }
        }
        const copy = ours.clone();
        ours.append("later", "x");
        assertEquals(copy.has("later"), false);
      }),
    );
  });
});
