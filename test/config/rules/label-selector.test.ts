import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { normalizeLabelSelector } from "../../../src/config/rules/label-selector.ts";

describe("a label selector an apiserver takes stays as it is", () => {
  const good = [
    "a=b",
    "a==b,c!=d",
    "app in (web, api),tier notin (x)",
    "exists,!absent",
    "! absent",
    "example.com/name=value",
    "a=",
    "a in (b,)",
    "version>3,version<10",
    "in=notin",
    "a in(b)",
    "A_b.c-D=E_f.g-H",
  ];
  for (const selector of good) {
    test(selector, () => {
      assertEquals(normalizeLabelSelector(selector), { selector, unquoted: false });
    });
  }
  test("white space around it is dropped", () => {
    assertEquals(normalizeLabelSelector("a=b\n"), { selector: "a=b", unquoted: false });
  });
});

describe("quotes are dropped and nothing else changes", () => {
  const quoted: [string, string][] = [
    ['first="a",second="b"', "first=a,second=b"],
    ['a in ("b", "c")', "a in (b, c)"],
    ["a='b' , c", "a=b , c"],
    ['"a"="b"', "a=b"],
    ['a=""', "a="],
  ];
  for (const [text, selector] of quoted) {
    test(text, () => {
      assertEquals(normalizeLabelSelector(text), { selector, unquoted: true });
    });
  }
});

describe("a broken selector is told with its place and without its text", () => {
  const KEY = "expected a label key at character";
  const VALUE = "expected a label value (letters, digits, - _ ., at most 63) at character";
  const NEXT = "expected =, ==, !=, in, notin, <, > or , at character";
  const broken: [string, string][] = [
    [",", `${KEY} 1`],
    ["a=b,", `${KEY} 5`],
    ["=b", `${KEY} 1`],
    ["a b", `${NEXT} 3`],
    ["a=b c", `${NEXT} 5`],
    ["a=-b", `${VALUE} 3`],
    ['a="b c"', `${VALUE} 3`],
    [`a=${"x".repeat(64)}`, `${VALUE} 3`],
    ["-a=b", `${KEY} 1`],
    ["Example/a/b=c", `${KEY} 1`],
    ["a in b", "expected ( at character 6"],
    ["a in (b", "expected , or ) at character 8"],
    ["a in (b c)", "expected , or ) at character 9"],
    ["a>b", "expected a whole number at character 3"],
    ['a="b', "a quote is not closed at character 3"],
    ["!", `${KEY} 2`],
    ["!a=b", `${NEXT} 3`],
  ];
  for (const [text, error] of broken) {
    test(text, () => {
      assertEquals(normalizeLabelSelector(text), { error });
    });
  }
});
