import { FIELD, mayHave } from "../http/fields.ts";
import type { HttpAnswer } from "../http/message.ts";
import { problem } from "../http/problem.ts";
import type { IncomingRequest } from "../http/request.ts";

/** Requests that cannot be carried, answered with a problem instead of half-served; undefined: it can. */
export function refuse(facts: IncomingRequest): HttpAnswer | undefined {
  if (!mayHave(facts, FIELD.contentType)) return undefined;
  const type = facts.headers.get("content-type");
  if (type?.startsWith("application/grpc") && !type.startsWith("application/grpc-web")) {
    // The status of a call is in the trailers, which the fetch standard does not show.
    return problem("not_supported", "gRPC needs trailers, which this gateway cannot carry; gRPC-web and Connect pass");
  }
  return undefined;
}
