import { isObject } from "./objects.ts";
import type { ApiserverSettings, ApiVerb, Json } from "./types.ts";

/**
 * Questions a client asks about itself, which are posted and not kept.
 * https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
 */
const ACCESS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const IDENTITY = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/** Whether a POST to this path is such a question. */
export const isReview = (path: string): boolean => path === ACCESS || path === IDENTITY;

/** The question with its answer. */
export function reviewAnswer(path: string, asked: unknown, settings: ApiserverSettings): Json {
  const question = isObject(asked) ? asked : {};
  if (path === IDENTITY) {
    const userInfo = { username: settings.user, groups: ["system:authenticated"] };
    return { ...question, metadata: { creationTimestamp: null }, status: { userInfo } };
  }
  const spec = isObject(question.spec) ? question.spec : {};
  const { verb, resource, subresource, namespace } = isObject(spec.resourceAttributes) ? spec.resourceAttributes : {};
  const where = typeof namespace === "string" && namespace !== "" ? namespace : undefined;
  const what = subresource ? `${resource}/${subresource}` : String(resource);
  const allowed = settings.authorize?.(String(verb) as ApiVerb, what, where) ?? true;
  return { ...question, metadata: { creationTimestamp: null }, status: { allowed } };
}
