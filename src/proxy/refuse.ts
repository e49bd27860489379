import type { RequestFacts } from "../request.ts";
import { problem } from "./problem.ts";

/** Requests that fetch cannot carry, answered in words instead of half-served; undefined: it can. */
export function refuse(facts: RequestFacts): Response | undefined {
  const type = facts.headers.get("content-type");
  if (type?.startsWith("application/grpc") && !type.startsWith("application/grpc-web")) {
    // The status of a call is in the trailers, which the fetch standard does not show.
    return problem("not_supported", "gRPC needs trailers, which this gateway cannot carry; gRPC-web and Connect pass");
  }
  // Any other protocol may be ignored (RFC 9110 section 7.8) and is: its header stays behind. This one's client waits.
  if (facts.headers.get("upgrade")?.toLowerCase() === "websocket") {
    return problem("not_supported", "WebSocket is not carried here");
  }
  return undefined;
}
