import { shorten } from "./errors.ts";
import type { RbacVerb, Right, Subject } from "./rbac.ts";
import type { SingleCall } from "./single-call.ts";

/** Whether the apiserver allows one verb of a right. */
export interface VerbReview {
  readonly verb: RbacVerb;
  readonly group: string;
  readonly resource: string;
  /** null: in all namespaces. */
  readonly namespace: string | null;
  /** null: the apiserver does not tell. */
  readonly allowed: boolean | null;
  /** In the apiserver's words, where it has some. */
  readonly reason?: string;
}

const REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? shorten(value) : undefined;

/** `pods/proxy` is a resource and a subresource. */
function namesOf(rule: string): { resource: string; subresource?: string } {
  const [resource = "", subresource] = rule.split("/");
  return { resource, ...(subresource !== undefined && { subresource }) };
}

/**
 * Whether the apiserver allows this.
 * https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-access-review-v1/ */
async function reviewVerb(
  ask: SingleCall,
  verb: RbacVerb,
  { namespace, rule }: Right,
  signal: AbortSignal,
): Promise<VerbReview> {
  const [group = ""] = rule.apiGroups;
  const [resource = ""] = rule.resources;
  const asked = { verb, group, resource, namespace: namespace ?? null };
  const { status, body } = await ask(REVIEWS, signal, {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: {
      resourceAttributes: { verb, group, ...namesOf(resource), ...(namespace === undefined ? {} : { namespace }) },
    },
  });
  const answer = Object(body) as { status?: unknown; message?: unknown };
  const { allowed, reason, evaluationError } = Object(answer.status) as Record<string, unknown>;
  if ((status !== 200 && status !== 201) || typeof allowed !== "boolean") {
    const said = textOf(answer.message);
    return { ...asked, allowed: null, reason: `status ${status}${said === undefined ? "" : `: ${said}`}` };
  }
  const why = textOf(reason) ?? textOf(evaluationError);
  return { ...asked, allowed, ...(why === undefined ? {} : { reason: why }) };
}

/** Reviews under way at a time: a config may name hundreds of namespaces. */
const AT_A_TIME = 8;

/** Asks for every verb of every right, in their order. */
export async function reviewRights(
  ask: SingleCall,
  rights: readonly Right[],
  signal: AbortSignal,
): Promise<VerbReview[]> {
  const questions = rights.flatMap((right) => right.rule.verbs.map((verb) => ({ right, verb })));
  const reviews: VerbReview[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < questions.length) {
      const at = next++;
      const { right, verb } = questions[at]!;
      reviews[at] = await reviewVerb(ask, verb, right, signal);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, questions.length) }, work));
  return reviews;
}

/** Versions of the SelfSubjectReview, newest first: since 1.28 the first, in 1.27 the second. */
const SELF_REVIEWS = ["v1", "v1beta1"];

/** Who we are to the apiserver, as it says itself; undefined: it does not offer that. */
export async function askWhoAmI(ask: SingleCall, signal: AbortSignal): Promise<string | undefined> {
  for (const version of SELF_REVIEWS) {
    const apiVersion = `authentication.k8s.io/${version}`;
    const path = `/apis/${apiVersion}/selfsubjectreviews`;
    const { status, body } = await ask(path, signal, { apiVersion, kind: "SelfSubjectReview" });
    if (status !== 200 && status !== 201) continue;
    const { userInfo } = Object((Object(body) as { status?: unknown }).status) as { userInfo?: unknown };
    const { username } = Object(userInfo) as { username?: unknown };
    if (typeof username === "string" && username !== "") return username;
  }
  return undefined;
}

/** The user a refusal names: `User "gateway" cannot list …`. */
export function userOfRefusal(body: unknown): string | undefined {
  const { message } = Object(body) as { message?: unknown };
  return typeof message === "string" ? /^[^"]*\bUser "([^"]+)" cannot /.exec(message)?.[1] : undefined;
}

/** A user's name as a role binding names it. */
export function subjectOf(user: string): Subject {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  if (namespace !== undefined && name !== undefined) return { kind: "ServiceAccount", name, namespace };
  return { kind: "User", name: user };
}
