import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { readInput } from "../../src/import/input.ts";

const read = (content: string, anyCase = false) =>
  readInput("a.yaml", content, { text: (written) => written.toUpperCase(), anyCase });

const told = (issues: readonly { line: number; column: number; path: string; message: string }[]): string[] =>
  issues.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);

const NOTHING_LIKE_IT = "the gateway has nothing like it";

describe("a file that is imported", () => {
  test("tells every leaf that nobody took", () => {
    const file = read("a: 1\nb: {c: x, d: [1, 2]}\ne: {f: {g: 1}}\nh: []\ni:\n");
    assertEquals([file.root.at("a").number(), file.root.at("b").at("c").text()], [1, "X"]);
    assertEquals(told(file.leftovers()), [
      `2:11 b.d: ${NOTHING_LIKE_IT}`,
      `3:1 e: ${NOTHING_LIKE_IT}`,
      `4:1 h: ${NOTHING_LIKE_IT}`,
      `5:1 i: ${NOTHING_LIKE_IT}`,
    ]);
  });

  test("tells what was declined with its reasons, taken or not, and once", () => {
    const file = read("a: {b: 1, c: 2}\nd: 1\n");
    file.root.at("a").at("b").number();
    file.root.at("a").decline("it is too old");
    file.root.at("d").decline("one");
    file.root.at("d").decline("two");
    file.root.at("d").decline("one");
    file.root.at("nothing").decline("is not there");
    assertEquals(told(file.leftovers()), ["1:1 a: it is too old", "2:1 d: one; two"]);
  });

  test("declines a value of another kind without showing it", () => {
    const file = read("a: secret\nb: [1]\nc: {}\nd: [x, [y]]\n");
    assertEquals(file.root.at("a").number(), undefined);
    assertEquals(file.root.at("b").text(), undefined);
    assertEquals(file.root.at("c").boolean(), undefined);
    assertEquals(file.root.at("d").texts(), undefined);
    assertEquals(told(file.leftovers()), [
      "1:1 a: it must be a number, and is a text",
      "2:1 b: it must be a text, and is a list",
      "3:1 c: it must be true or false, and is a mapping",
      "4:1 d: it must be a list of texts, and is a list",
    ]);
  });

  test("reads numbers and booleans that are texts, and one text as a list", () => {
    const { root } = read("a: '12'\nb: 'True'\nc: x\nd: 5\n");
    assertEquals([root.at("a").number(), root.at("b").boolean(), root.at("c").texts()], [12, true, ["X"]]);
    assertEquals(root.at("d").text(), "5");
  });

  test("takes a whole value, its texts in our notation", () => {
    const file = read("a: {b: [x, 1], c: {}}\n");
    assertEquals(file.root.at("a").take(), { b: ["X", 1], c: {} });
    assertEquals(file.leftovers(), []);
  });

  test("finds keys in any case where they mean the same", () => {
    const file = read("Routes: [{uPSTREAMPathTemplate: /a}]\n", true);
    const [route] = file.root.at("routes").items();
    assertEquals(route!.at("UpstreamPathTemplate").text(), "/A");
    assertEquals(file.leftovers(), []);
    assertEquals(read("Routes: 1\n").root.at("routes").exists, false);
  });

  test("follows aliases, each place by itself", () => {
    const file = read("a: &x {b: 1}\nc: *x\n");
    file.root.at("a").at("b").number();
    assertEquals(told(file.leftovers()), [`2:1 c: ${NOTHING_LIKE_IT}`]);
  });

  test("keeps notes beside what is carried over", () => {
    const file = read("a: 1\n");
    file.root.at("a").number();
    file.root.at("a").note("it is rounded up");
    assertEquals([told(file.leftovers()), told(file.notes())], [[], ["1:1 a: it is rounded up"]]);
  });

  test("says what is wrong with the text", () => {
    assertEquals(told(read("a: [1\nb: 2\n").issues).length > 0, true);
  });
});
