import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import {
  afterList,
  afterObject,
  afterPlainString,
  afterValue,
  compacted,
  extentOf,
  isText,
  UNSURE,
} from "../../src/kubernetes/json-bytes.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const end = (text: string, depth?: number): number => afterValue(bytesOf(text), 0, depth);

describe("where a JSON value ends", () => {
  test("is found for each kind of value, and nothing behind it is looked at", () => {
    for (const value of [
      "0",
      "-0",
      "7",
      "-12",
      "1.5",
      "-10.25",
      "true",
      "false",
      "null",
      '""',
      '"a b"',
      "{}",
      "[]",
      '{"a":1}',
      '{"a":{"b":[]},"c":"d"}',
      "[1,2,[3,[]],{}]",
      '["]","}"]',
    ]) {
      for (const rest of ["", ",", "}", "]", " x"]) assertEquals([value, end(value + rest)], [value, value.length]);
    }
  });

  test("is left to others for what is cut short, spelt otherwise or no JSON", () => {
    for (const value of [
      "",
      "-",
      "+1",
      "1.",
      "-.5",
      ".5",
      "tru",
      "nul",
      "fals",
      "True",
      '"a',
      "{",
      "[",
      '{"a"',
      '{"a":',
      '{"a":1',
      "{a:1}",
      '{"a":1,',
      '{"a":1,}',
      '{"a" 1}',
      '{"a":1 }',
      "[1",
      "[1,",
      "[1,]",
      "[1 2]",
      "[,1]",
      '{"a";1}',
      '{"a":1;"b":2}',
      "[1;2]",
    ])
      assertEquals([value, end(value)], [value, UNSURE]);
  });

  test("is known to the depth that is asked for, in lists, objects and both", () => {
    for (const depth of [1, 2, 3, 4, 7]) {
      const lists = (n: number): string => "[".repeat(n) + "]".repeat(n);
      const objects = (n: number): string => `${'{"a":'.repeat(n - 1)}{}${"}".repeat(n - 1)}`;
      const mixed = (n: number): string =>
        Array.from({ length: n }, (_, i) => (i % 2 ? "[" : '{"a":')).join("") +
        "1" +
        Array.from({ length: n }, (_, i) => ((n - 1 - i) % 2 ? "]" : "}")).join("");
      for (const nested of [lists, objects, mixed]) {
        assertEquals(end(nested(depth), depth), nested(depth).length);
        assertEquals(end(nested(depth + 1), depth), UNSURE);
      }
    }
  });
});

describe("a walk over JSON's bytes", () => {
  test("takes every member and item in order, and is unsure as soon as one of them is", () => {
    const seen: string[] = [];
    const text = '{"a":1,"bc":[true],"":"x"}';
    const at = afterObject(bytesOf(text), 0, seen, (into, bytes, from, to, value) => {
      into.push(text.slice(from, to), text[value]!);
      return afterValue(bytes, value);
    });
    assertEquals([at, seen], [text.length, ["a", "1", "bc", "[", "", '"']]);
    assertEquals(
      afterObject(bytesOf("{}"), 0, seen, () => UNSURE),
      2,
    );
    assertEquals(
      afterObject(bytesOf(text), 0, seen, () => UNSURE),
      UNSURE,
    );
    const items: number[] = [];
    const list = "[10,[],3]";
    const behind = afterList(bytesOf(list), 0, items, (into, bytes, from) => {
      into.push(from);
      return afterValue(bytes, from);
    });
    assertEquals([behind, items], [list.length, [1, 4, 7]]);
    assertEquals(
      afterList(bytesOf("[]"), 0, items, () => UNSURE),
      2,
    );
    assertEquals(
      afterList(bytesOf(list), 0, items, () => UNSURE),
      UNSURE,
    );
    for (const cut of ["[1", "[1,", "{", "7", '"a"', ""]) {
      assertEquals(
        afterList(bytesOf(cut), 0, items, (_, bytes, from) => afterValue(bytes, from)),
        UNSURE,
      );
      assertEquals(
        afterObject(bytesOf(cut), 0, items, (_, bytes, _from, _to, value) => afterValue(bytes, value)),
        UNSURE,
      );
    }
  });

  test("takes strings without an escape for what they are, and no others", () => {
    for (const [text, wanted] of [
      ['"a"', 3],
      ['""', 2],
      ['"a\\n"', UNSURE],
      ["a", UNSURE],
      ['"a', UNSURE],
      ["1", UNSURE],
    ] as const) {
      assertEquals([text, afterPlainString(bytesOf(text), 0)], [text, wanted]);
    }
  });

  test("compares a part with a text whole, neither with its beginning nor with what follows", () => {
    const bytes = bytesOf("xabcx");
    const is = (from: number, to: number): boolean => isText(bytes, from, to, bytesOf("abc"));
    assertEquals([is(1, 4), is(1, 3), is(1, 5), is(0, 3), is(2, 5)], [true, false, false, false, false]);
  });
});

describe("strings within what is passed over", () => {
  test("may hold every escape of JSON and bytes beyond ASCII, and nothing else", () => {
    for (const value of [
      '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
      '"\\u00e9\\uABCD\\u0190"',
      '"größe 東京"',
      '"a\\\\"',
      '"~ !"',
    ]) {
      const bytes = bytesOf(`${value},1`);
      assertEquals([value, afterValue(bytes, 0)], [value, bytes.length - 2]);
    }
    for (const value of [
      '"\\a"',
      '"\\u12g4"',
      '"\\u123"',
      '"\\u123:"',
      '"\\u/234"',
      '"\\u@234"',
      '"\\uG234"',
      '"\\u`234"',
      '"a\nb"',
      '"a\u0000"',
      '"a\\',
    ]) {
      assertEquals([value, end(value)], [value, UNSURE]);
    }
  });
});

describe("the extent of a value", () => {
  const extent = (text: string, at = 0) => extentOf(bytesOf(text), at);

  test("ends behind the value, whatever is in it, and before what closes around it", () => {
    assertEquals(extent('{"a":"}]\\"","b":[1]},2'), { end: 20, parseable: true });
    assertEquals(extent("[[1],[2]]]"), { end: 9, parseable: true });
    assertEquals(extent("12,3"), { end: 2, parseable: true });
    assertEquals(extent("12}"), { end: 2, parseable: true });
    assertEquals(extent("12]"), { end: 2, parseable: true });
    assertEquals(extent('x["a,"],', 1), { end: 7, parseable: true });
    assertEquals(extent('{"a":"b'), { end: 7, parseable: true });
    assertEquals(extent('"a\\'), { end: 3, parseable: true });
  });

  test("is not parseable beyond a depth of 100", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    assertEquals(extent(nested(100)), { end: 200, parseable: true });
    assertEquals(extent(nested(101)), { end: 202, parseable: false });
    assertEquals(extent(`[${nested(60)},${nested(60)}]`).parseable, true, "depth is not how many there are");
  });

  test("is not parseable where more than 10,000 lists and objects leave fewer than 8 bytes for each", () => {
    const list = (lists: number, digits: number): string => `[${"[],".repeat(lists - 1)}${"1".repeat(digits)}]`;
    assertEquals(extent(list(10_000, 1)).parseable, true);
    assertEquals(extent(list(10_001, 1)).parseable, false);
    assertEquals(extent(list(10_001, 8 * 10_001 - 30_002)).parseable, true);
    assertEquals(extent(list(10_001, 8 * 10_001 - 30_003)).parseable, false);
    assertEquals(extent(`${"1".repeat(9)}${list(10_001, 8 * 10_001 - 30_003)}`, 9).parseable, false);
  });
});

test("JSON without its white space is the same JSON, strings included", () => {
  const value = { a: 'x \t{ } " \\', b: [1, true, { c: null }], d: "größe" };
  for (const indent of [0, 1, "\t", 4]) {
    const text = JSON.stringify(value, null, indent).replaceAll("\n", "\r\n");
    assertEquals(new TextDecoder().decode(compacted(bytesOf(text))), JSON.stringify(value));
  }
});
