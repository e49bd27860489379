import type { Collection, KubernetesObject } from "./types.ts";

/** What a client does with the objects of a collection, in RBAC's words. */
export type RbacVerb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete";

/** One rule of a Role or a ClusterRole. https://kubernetes.io/docs/reference/access-authn-authz/rbac/ */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly RbacVerb[];
}

/** A rule, and where it must hold. */
export interface Right {
  /** undefined: in all namespaces, which takes a ClusterRole. */
  readonly namespace: string | undefined;
  readonly rule: PolicyRule;
}

/** Who is given a right. */
export type Subject =
  | { readonly kind: "ServiceAccount"; readonly name: string; readonly namespace: string }
  | { readonly kind: "User" | "Group"; readonly name: string };

const RBAC_GROUP = "rbac.authorization.k8s.io";

/** The right to do this with the objects of a collection. */
export function rightTo(
  verbs: readonly RbacVerb[],
  { groupVersion, resource, namespace }: Pick<Collection, "groupVersion" | "resource" | "namespace">,
): Right {
  const [root, group = ""] = groupVersion.split("/");
  return { namespace, rule: { apiGroups: [root === "api" ? "" : group], resources: [resource], verbs } };
}

/** The right as a part of a sentence: `a Role in namespace shop with apiGroups [""], resources …`. */
export function describeRight({ namespace, rule }: Right): string {
  const where = namespace === undefined ? "a ClusterRole" : `a Role in namespace ${namespace}`;
  const groups = rule.apiGroups.map((group) => (group === "" ? '""' : group)).join(", ");
  return `${where} with apiGroups [${groups}], resources [${rule.resources.join(", ")}], verbs [${rule.verbs.join(", ")}]`;
}

const subjectObject = (subject: Subject): object =>
  subject.kind === "ServiceAccount" ? subject : { ...subject, apiGroup: RBAC_GROUP };

/**
 * The objects that give rights to a subject: a Role and its RoleBinding in each namespace, a ClusterRole and its
 * ClusterRoleBinding for rights in all of them. All have the same name, in the order of the rights.
 */
export function roleObjects(
  rights: readonly Right[],
  { name, subject, labels }: { name: string; subject: Subject; labels?: Readonly<Record<string, string>> | undefined },
): KubernetesObject[] {
  const apiVersion = `${RBAC_GROUP}/v1`;
  return [...Map.groupBy(rights, (right) => right.namespace)].flatMap(([namespace, there]): KubernetesObject[] => {
    const kind = namespace === undefined ? "ClusterRole" : "Role";
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }), ...(labels && { labels }) };
    const roleRef = { apiGroup: RBAC_GROUP, kind, name };
    return [
      { apiVersion, kind, metadata, rules: there.map(({ rule }) => rule) },
      { apiVersion, kind: `${kind}Binding`, metadata, roleRef, subjects: [subjectObject(subject)] },
    ];
  });
}
