import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { commented, convertedFrom, printDocument, type YamlMapping } from "../../src/import/document.ts";
import { readInput } from "../../src/import/input.ts";

const print = (made: YamlMapping, file = readInput("a.yaml", "", { text: (text) => text })): string =>
  printDocument(made, {
    heading: ["Made by hand."],
    leftovers: file.leftovers(),
    where: (input) => file.where(input.path),
  });

describe("a printed document", () => {
  test("has short collections on one line and leaves out what is undefined", () => {
    const made = { server: { listen: 80, tls: undefined }, routes: [{ path: { exact: "/a" }, hosts: ["a", "*.b"] }] };
    assertEquals(
      print(made),
      `# Made by hand.

server: { listen: 80 }

routes:
  - { path: { exact: /a }, hosts: [ a, "*.b" ] }
`,
    );
  });

  test("has comments above values, each on lines of its own whatever is in them", () => {
    const made = { routes: [commented({ id: "a" }, "one\n  - two: 3", "four"), { id: commented("b", "five") }] };
    assertEquals(
      print(made),
      `# Made by hand.

routes:
  # one - two: 3
  # four
  - { id: a }

  - # five
    id: b
`,
    );
  });

  test("names where a value comes from, and what of it is left", () => {
    const file = readInput("a.yaml", "routes:\n  - {uri: /a, old: 1}\n  - {uri: /b}\n", { text: (text) => text });
    const routes = file.root.at("routes").items();
    const made = { routes: routes.map((route) => convertedFrom(route, { path: route.at("uri").text()! })) };
    assertEquals(
      print(made, file),
      `# Made by hand.

routes:
  # from a.yaml:2 routes[0]
  # not carried over: routes[0].old: the gateway has nothing like it
  - { path: /a }

  # from a.yaml:3 routes[1]
  - { path: /b }
`,
    );
  });
});
