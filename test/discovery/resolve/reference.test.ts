import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseServiceReference } from "../../../src/discovery/resolve/reference.ts";

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
    ["web:ht tp", "its port is not a number from 1 to 65535 or a name"],
    ["web:0", "its port is not a number from 1 to 65535"],
    ["web:70000", "its port is not a number from 1 to 65535"],
    ["shop/we_b", "its name is not a Kubernetes name"],
    ["-web", "its name is not a Kubernetes name"],
    ["a..b", "its name is not a Kubernetes name"],
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

  const meant: [string, string][] = [
    ["api.shop.svc.cluster.local:80", "shop/api:80"],
    ["api.shop.svc:80", "shop/api:80"],
    ["api.shop", "shop/api"],
    ["http://api.shop.svc:80", "shop/api:80"],
    ["https://api.shop.svc.cluster.local/v1/x", "shop/api"],
    ["http://api:8080/", "api:8080"],
    ["Shop/api:http", "shop/api:http"],
    ["shop/api:HTTP", "shop/api:http"],
  ];
  for (const [text, form] of meant) {
    test(`that no Service can have is refused with the form that was meant: ${text}`, () => {
      for (const read of [single, multi]) {
        const result = read(text);
        assert("error" in result);
        assert(result.error.endsWith(`Write "${form}"`), result.error);
      }
    });
  }

  test("that is an address is refused with the key for addresses", () => {
    const result = single("10.0.0.1:80");
    assert("error" in result);
    assertStringIncludes(result.error, '"nodes"');
  });

  test("that is wrong shows the form with an id only where there are several clusters", () => {
    const result = multi("a/b/c/d");
    assert("error" in result);
    assertStringIncludes(result.error, '"id/namespace/name:port"');
  });
});
