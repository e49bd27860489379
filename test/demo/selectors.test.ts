import { describe, test } from "bun:test";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseLabelSelector } from "../../src/demo/selectors.ts";
import { StatusError } from "../../src/demo/status.ts";

const LABELS = { app: "web", tier: "front", "example.org/zone": "a", empty: "", size: "7" };

describe("label selectors match as the apiserver's", () => {
  const cases: [selector: string, matches: boolean][] = [
    ["", true],
    ["app=web", true],
    ["app==web", true],
    ["app = web , tier = front", true],
    ["app=other", false],
    ["app!=other", true],
    ["missing!=x", true],
    ["app!=web", false],
    ["app in (web,api)", true],
    ["app in(api)", false],
    ["app notin (api, db)", true],
    ["app notin (web)", false],
    ["missing notin (x)", true],
    ["missing in (x)", false],
    ["app", true],
    ["missing", false],
    ["!missing", true],
    ["! app", false],
    ["empty=", true],
    ["empty in ()", true],
    ["empty in (,x)", true],
    ["app=", false],
    ["example.org/zone=a", true],
    ["size>6,size<8", true],
    ["size>7", false],
    ["app>1", false],
    ["app,tier in (front,back),!missing,size!=8", true],
  ];
  for (const [selector, matches] of cases) {
    test(`${JSON.stringify(selector)} is ${matches}`, () => {
      assertEquals(parseLabelSelector(selector)(LABELS), matches);
    });
  }

  test("an object without labels matches what asks for none", () => {
    assertEquals(parseLabelSelector("!a,b!=c")(undefined), true);
    assertEquals(parseLabelSelector("a")(undefined), false);
  });

  test("names of Object's own members are not labels", () => {
    assertEquals(parseLabelSelector("constructor")({}), false);
  });
});

describe("label selectors that do not parse are refused in the apiserver's words", () => {
  const cases: [selector: string, message: string][] = [
    [
      'first="a"',
      'unable to parse requirement: values[0][first]: Invalid value: "\\"a\\"": a valid label must be an empty string',
    ],
    ["a in (", "unable to parse requirement: found '', expected"],
    ["a in b", "unable to parse requirement: found 'b' expected: '('"],
    ["a in (b c)", "found 'c', expected: ',' or ')'"],
    [",", "found ',', expected: !, identifier, or 'end of string'"],
    ["a,", "found '', expected: identifier after ','"],
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["!a=b", "found '=', expected: ',' or 'end of string'"],
    ["a=b c", "found 'c', expected: ',' or 'end of string'"],
    ["a/b/c=d", "unable to parse requirement: key: Invalid value"],
    ["-a", "unable to parse requirement: key: Invalid value"],
    ["a>b", "the value must be an integer"],
    [`a=${"x".repeat(64)}`, "a valid label must be"],
  ];
  for (const [selector, message] of cases) {
    test(selector, () => {
      const error = assertThrows(() => parseLabelSelector(selector), StatusError) as StatusError;
      assertEquals(error.code, 400);
      assertStringIncludes(error.message, message);
    });
  }
});
