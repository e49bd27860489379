import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { neededRights } from "../../src/discovery/rights.ts";
import { cluster } from "../config/support.ts";

/** `VERBS RESOURCE[.GROUP] in NAMESPACE` of every right. */
const rightsOf = (block: string): string[] =>
  neededRights(cluster(block)).map(({ namespace = "all namespaces", rule }) => {
    const kind = [...rule.resources, ...rule.apiGroups.filter((group) => group !== "")].join(".");
    return `${rule.verbs.join(",")} ${kind} in ${namespace}`;
  });

describe("the rights a cluster takes", () => {
  test.each([
    ["{}", ["list,watch endpoints in all namespaces"]],
    ["{ watch_endpoint_slices: true }", ["list,watch endpointslices.discovery.k8s.io in all namespaces"]],
    ["{ mode: auto }", ["list,watch endpoints in all namespaces"]],
    ["{ mode: poll }", ["list endpoints in all namespaces"]],
    ["{ mode: request }", ["get endpoints in all namespaces"]],
    ["{ mode: request, label_selector: a=b }", ["list endpoints in all namespaces"]],
    ["{ mode: request, watch_endpoint_slices: true }", ["list endpointslices.discovery.k8s.io in all namespaces"]],
    [
      "{ mode: request, label_selector: a=b, resolve_service_ports: true }",
      ["list endpoints in all namespaces", "get services in all namespaces"],
    ],
    [
      "{ resolve_service_ports: true }",
      ["list,watch endpoints in all namespaces", "list,watch services in all namespaces"],
    ],
    ["{ namespace_selector: { equal: shop } }", ["list,watch endpoints in shop"]],
    ["{ namespace_selector: { not_equal: shop } }", ["list,watch endpoints in all namespaces"]],
    ["{ namespace_selector: { match: [shop] } }", ["list,watch endpoints in all namespaces"]],
    ["{ namespaces: [shop, cart] }", ["list,watch endpoints in shop", "list,watch endpoints in cart"]],
  ])("%s", (block, rights) => {
    assertEquals(rightsOf(block), rights);
  });
});
