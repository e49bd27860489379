import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseServiceReference } from "../../src/discovery/reference.ts";

const single = (text: string) => parseServiceReference(text, { multi: false });
const multi = (text: string) => parseServiceReference(text, { multi: true });

describe("a service reference", () => {
  test("is read in every form there is with one cluster", () => {
    assertEquals(single("web"), { name: "web" });
    assertEquals(single("web:http"), { name: "web", port: "http" });
    assertEquals(single("shop/web"), { namespace: "shop", name: "web" });
    assertEquals(single("default/plat-dev:3306"), { namespace: "default", name: "plat-dev", port: "3306" });
  });

  test("takes an id as its first of three segments where there are several clusters", () => {
    assertEquals(multi("release/default/plat-dev:port"), {
      cluster: "release",
      namespace: "default",
      name: "plat-dev",
      port: "port",
    });
    assertEquals(multi("release/default/plat-dev"), { cluster: "release", namespace: "default", name: "plat-dev" });
  });

  test("of two segments is always namespace and name, with several clusters too", () => {
    assertEquals(multi("release/web"), { namespace: "release", name: "web" });
  });

  const wrong: [string, string][] = [
    ["", "its name is empty"],
    ["/web", "its namespace is empty"],
    ["shop/", "its name is empty"],
    ["web:", "no port follows the colon"],
    ["web:80:90", "more than one colon"],
    ["a/b/c", "three segments name a cluster"],
    ["a/b/c/d", "4 segments"],
    ["sh op/web", "its namespace is not a Kubernetes name"],
    ["shop/we%2Fb", "its name is not a Kubernetes name"],
    ["web:ht tp", "its port is not a name or a number"],
    [`${"a".repeat(300)}`, "its name is not a Kubernetes name"],
  ];
  for (const [text, why] of wrong) {
    test(`that is wrong is refused with the forms there are: ${JSON.stringify(text).slice(0, 30)}`, () => {
      const result = single(text);
      assert("error" in result);
      assertStringIncludes(result.error, why);
      assertStringIncludes(result.error, '"namespace/name:port"');
      assert(!result.error.includes('"id/namespace/name'));
    });
  }

  test("that is wrong shows the form with an id only where there are several clusters", () => {
    const result = multi("a/b/c/d");
    assert("error" in result);
    assertStringIncludes(result.error, '"id/namespace/name:port"');
  });
});
