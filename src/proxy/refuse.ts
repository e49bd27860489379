import type { RequestFacts } from "../request.ts";
import { fieldBits, mayHave } from "./fields.ts";
import { problem } from "./problem.ts";

const CONTENT_TYPE = fieldBits("content-type");

/** Requests that cannot be carried, answered in words instead of half-served; undefined: it can. */
export function refuse(facts: RequestFacts): Response | undefined {
  if (!mayHave(facts, CONTENT_TYPE)) return undefined;
  const type = facts.headers.get("content-type");
  if (type?.startsWith("application/grpc") && !type.startsWith("application/grpc-web")) {
    // The status of a call is in the trailers, which the fetch standard does not show.
    return problem("not_supported", "gRPC needs trailers, which this gateway cannot carry; gRPC-web and Connect pass");
  }
  return undefined;
}
