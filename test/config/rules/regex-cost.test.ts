import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { loadConfig } from "../../../src/config/load.ts";
import { type RegexCost, regexCost } from "../../../src/config/rules/regex-cost.ts";
import { FORMAT } from "../../../src/gateway/format.ts";

const CASES: Record<string, RegexCost | undefined> = {
  "^/x[0-9]+$": undefined,
  "^/secret/.*$": undefined,
  "^/users/[^/]+/orders/[^/]+$": undefined,
  "^(/[^/]+)*$": undefined,
  "\\.(png|jpe?g)$": undefined,
  "^/a/.*b.*$": undefined,
  "^/(a|b|c)+/x$": undefined,
  "^/v[0-9]+\\.[0-9]+/": undefined,
  "^/(?<year>\\d{4})-(?<month>\\d{2})/": undefined,
  "^/[^/]+-[^/]+/x$": "square",
  "^/.*a.*b$": "square",
  "^/h/.*/m/.*/n/x": "square",
  "^/(\\w+\\s?)+$": "endless",
  "^(/[a-z]+)+$": undefined,
  "^/([a-z]+)*x$": "endless",
  "^/(a|a)*b$": "endless",
  "^/(.*)*x$": "endless",
  "^/(?:a|ab)+$": "endless",
  "^/[a-z]{1,5}[a-z]{1,5}$": undefined,
  "^(?!/api/).*$": undefined,
};

for (const [source, cost] of Object.entries(CASES)) {
  test(`${source} may cost ${cost ?? "no more than its text"}`, () => assertEquals(regexCost(source), cost));
}

test("check warns of an expression that a client can make slow, at its place", () => {
  const nodes = [{ host: "127.0.0.1", port: 1 }];
  const routes = [
    { path: { regex: "^/(a+)+$" }, nodes },
    { path: "/b", rewrite_path: { regex: "^/.*-.*x$", to: "/" }, headers: { x: { regex: "(a|a)*b" } }, nodes },
    { path: "/c", redirect: { regex: "^/c/(.*)$", location: "/$1" } },
  ];
  const loaded = loadConfig({
    format: FORMAT,
    file: "gateway.yaml",
    text: JSON.stringify({ routes }),
    env: {},
    pod: {},
  });
  assert(loaded.ok);
  assertEquals(loaded.warnings.map(({ path }) => path).toSorted(), [
    "routes[0].path.regex",
    "routes[1].headers.x.regex",
    "routes[1].rewrite_path.regex",
  ]);
});
