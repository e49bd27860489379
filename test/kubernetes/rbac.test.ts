import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { describeRight, rightTo, roleObjects } from "../../src/kubernetes/rbac.ts";

const SLICES = { groupVersion: "apis/discovery.k8s.io/v1", resource: "endpointslices" };
const ENDPOINTS = { groupVersion: "api/v1", resource: "endpoints" };

describe("a right", () => {
  test("names the API group without its version, and the core group as an empty text", () => {
    assertEquals(rightTo(["list", "watch"], SLICES), {
      namespace: undefined,
      rule: { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
    });
    assertEquals(rightTo(["get"], { ...ENDPOINTS, namespace: "shop" }), {
      namespace: "shop",
      rule: { apiGroups: [""], resources: ["endpoints"], verbs: ["get"] },
    });
  });

  test("is told in words", () => {
    assertEquals(
      describeRight(rightTo(["list"], { ...ENDPOINTS, namespace: "shop" })),
      'a Role in namespace shop with apiGroups [""], resources [endpoints], verbs [list]',
    );
    assertEquals(
      describeRight(rightTo(["list", "watch"], SLICES)),
      "a ClusterRole with apiGroups [discovery.k8s.io], resources [endpointslices], verbs [list, watch]",
    );
  });

  test("becomes a role and its binding, one pair for a namespace", () => {
    const subject = { kind: "ServiceAccount", name: "gw", namespace: "edge" } as const;
    const services = { groupVersion: "api/v1", resource: "services" };
    const rights = ["shop", "cart"].flatMap((namespace) => [
      rightTo(["list"], { ...SLICES, namespace }),
      rightTo(["list"], { ...services, namespace }),
    ]);
    const objects = roleObjects(rights, { name: "podway", subject, labels: { a: "b" } });
    assertEquals(
      objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`),
      ["Role shop/podway", "RoleBinding shop/podway", "Role cart/podway", "RoleBinding cart/podway"],
    );
    assertEquals(objects[0], {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: { name: "podway", namespace: "shop", labels: { a: "b" } },
      rules: [
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list"] },
        { apiGroups: [""], resources: ["services"], verbs: ["list"] },
      ],
    });
    assertEquals(objects[1]?.subjects, [subject]);
  });

  test("in all namespaces becomes a ClusterRole; users and groups are subjects of RBAC's own group", () => {
    const [role, binding] = roleObjects([rightTo(["list"], SLICES)], {
      name: "podway",
      subject: { kind: "User", name: "gateway" },
    });
    assertEquals(role?.metadata, { name: "podway" });
    assertEquals(binding, {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "podway" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "podway" },
      subjects: [{ kind: "User", name: "gateway", apiGroup: "rbac.authorization.k8s.io" }],
    });
  });
});
