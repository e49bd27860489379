import { isIdempotent } from "../http/idempotent.ts";
import type { RetryCause, RetryOptions } from "./options.ts";
import type { Upload } from "./upload.ts";

/** Whether a failed attempt may be followed by another, as far as the route's rule and the request allow. */
export function mayRetry(
  rule: RetryOptions,
  cause: RetryCause,
  method: string,
  upload: Pick<Upload, "consumed"> | undefined,
): boolean {
  if (!rule.on.includes(cause)) return false;
  // Nothing was sent: any method may go elsewhere, with a body that is still unread.
  if (cause === "connect") return upload === undefined || !upload.consumed();
  return upload === undefined && isIdempotent(method);
}
