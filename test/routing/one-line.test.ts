import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { compileRedirect } from "../../src/routing/redirect.ts";
import { compileRewrite } from "../../src/routing/rewrite.ts";
import { compileRoutes } from "../../src/routing/table.ts";
import { requestFacts, routeConfig } from "../helpers/routes.ts";

/** What ends a line to a regular expression that sees several. */
const BREAKS = ["%0a", "%0d", "%e2%80%a8", "%e2%80%a9"];

test("no byte of a path gets around a regular expression that means anything", () => {
  for (const ignore_case of [false, true]) {
    const guarded = routeConfig({ id: "guarded", path: { regex: "^/secret/.*$", ignore_case }, priority: 1 });
    const table = compileRoutes([{ rule: guarded }, { rule: routeConfig({ id: "open", path: "/" }) }]);
    for (const end of BREAKS) {
      assertEquals(table.match(requestFacts({ target: `/secret/a${end}b` }))?.rule.id, "guarded", end);
    }
  }
  const rewrite = compileRewrite(routeConfig({ path: "/", rewrite_path: { regex: "^/a/.*$", to: "/b" } }));
  const redirect = compileRedirect({
    path: { prefix: "/" },
    redirect: { status: 302, location: "/b", regex: "^/a/.*$" },
  });
  for (const end of BREAKS) {
    const facts = requestFacts({ target: `/a/${end}x` });
    assertEquals(rewrite(facts.path, facts), "/b", end);
    assertEquals(redirect(facts)?.headers.get("location"), "/b", end);
  }
});
