import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { namespaceFilter } from "../../src/kubernetes/selectors.ts";
import table from "../fixtures/cases/apisix-cases.json";

interface Case {
  id: string;
  discovery: { clusters: { id: string | null; namespace_selector?: object }[] };
  steps: { query?: string[]; expect_node_counts?: number[] }[];
}

describe("a namespace selector", () => {
  test("equal asks the namespaced path, so that a Role is enough", () => {
    const filter = namespaceFilter({ equal: "shop" });
    assertEquals([filter.namespace, filter.fieldSelector], ["shop", undefined]);
    assertEquals([filter.keeps("shop"), filter.keeps("shop-2")], [true, false]);
  });

  test("not_equal is filtered by the apiserver", () => {
    const filter = namespaceFilter({ not_equal: "shop" });
    assertEquals([filter.namespace, filter.fieldSelector], [undefined, "metadata.namespace!=shop"]);
    assertEquals([filter.keeps("shop"), filter.keeps("shop-2")], [false, true]);
  });

  test("match and not_match compare the whole name, any expression of the list", () => {
    const match = namespaceFilter({ match: ["ns-[ab]", "a|b"] });
    assertEquals(["ns-a", "ns-ab", "x-ns-a", "a", "b", "ab", "bx"].map(match.keeps), [
      true,
      false,
      false,
      true,
      true,
      false,
      false,
    ]);
    const notMatch = namespaceFilter({ not_match: ["kube-.*", "dev"] });
    assertEquals(["kube-system", "dev", "dev-2", "shop"].map(notMatch.keeps), [false, false, true, true]);
    assertEquals([match.namespace, match.fieldSelector, notMatch.fieldSelector], [undefined, undefined, undefined]);
  });

  test("that is not there keeps everything", () => {
    const filter = namespaceFilter(undefined);
    assertEquals([filter.namespace, filter.fieldSelector, filter.keeps("any")], [undefined, undefined, true]);
  });

  for (const given of table.cases as unknown as Case[]) {
    const selectors = given.discovery.clusters.filter((cluster) => cluster.namespace_selector !== undefined);
    if (selectors.length === 0) continue;
    test(`keeps what APISIX keeps: ${given.id}`, () => {
      for (const { id, namespace_selector: selector } of selectors) {
        const { keeps } = namespaceFilter(selector);
        for (const { query = [], expect_node_counts: counts = [] } of given.steps) {
          query.forEach((reference, i) => {
            const [cluster, namespace] = reference.split("/");
            if (cluster === id) assertEquals(keeps(namespace!), counts[i]! > 0, reference);
          });
        }
      }
    });
  }
});
