import type { ProblemCode } from "./problem.ts";
import type { UpstreamFailure } from "./upstream-error.ts";

/**
 * Why a request in flight was ended.
 * - `timeout`: its pod's time is up.
 * - `stalled`: its client sends its body too slowly.
 * - `client_gone`: its client left.
 * - `draining`: the gateway stops.
 */
export type Ending = "timeout" | "stalled" | "client_gone" | "draining";

/** Why a request got no answer from a pod. */
export type Failure = UpstreamFailure | Ending | "too_large";

/** Code and outward words for each; `blamed`: passive health counts it against a pod that had the whole request. */
export const FAILURES: Record<
  Failure,
  { readonly code: ProblemCode; readonly detail: string; readonly blamed: boolean }
> = {
  connect: { code: "upstream_connect", detail: "No address of the service could be reached", blamed: true },
  tls: { code: "upstream_connect", detail: "No trusted connection to the service could be made", blamed: true },
  reset: { code: "upstream_reset", detail: "The service broke off before its answer", blamed: true },
  invalid: { code: "upstream_reset", detail: "The service's answer is not valid HTTP", blamed: true },
  timeout: { code: "upstream_timeout", detail: "The service did not answer in time", blamed: true },
  aborted: { code: "upstream_reset", detail: "The service broke off before its answer", blamed: false },
  refused: { code: "bad_request", detail: "The request cannot be passed on", blamed: false },
  draining: { code: "draining", detail: "The gateway stopped before the answer", blamed: false },
  client_gone: { code: "client_gone", detail: "The client left before the answer", blamed: false },
  stalled: { code: "request_timeout", detail: "The request body comes too slowly", blamed: false },
  too_large: { code: "body_too_large", detail: "The request body is larger than the gateway's limit", blamed: false },
};
