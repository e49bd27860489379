import { isIdempotent } from "../http/idempotent.ts";
import type { RetryCause, RetryOptions } from "./options.ts";
import type { Upload } from "./upload.ts";

/** Whether a failed attempt may be followed by another, as far as the route's rule and the request allow. */
export function mayRetry(
  rule: RetryOptions,
  cause: RetryCause,
  method: string,
  upload: Pick<Upload, "repeatable"> | undefined,
): boolean {
  if (!rule.on.includes(cause)) return false;
  if (upload !== undefined && !upload.repeatable) return false;
  // No pod has seen anything of it: any method may go elsewhere.
  return cause === "connect" || isIdempotent(method);
}
