import type { RetriesConfig } from "../config/schema.ts";
import { isIdempotent } from "../http/idempotent.ts";
import type { Upload } from "./upload.ts";

/** What a request may be tried again for. */
export type RetryCause = "connect" | "reset" | "timeout" | 500 | 502 | 503 | 504;

/** Whether a failed attempt may be followed by another, as far as the route's rule and the request allow. */
export function mayRetry(
  rule: RetriesConfig,
  cause: RetryCause,
  method: string,
  upload: Pick<Upload, "consumed"> | undefined,
): boolean {
  if (!rule.on.includes(cause)) return false;
  // Nothing was sent: any method may go elsewhere, with a body that nobody has begun to read.
  if (cause === "connect") return upload === undefined || !upload.consumed();
  return upload === undefined && isIdempotent(method);
}
