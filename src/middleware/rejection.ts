import { optional, withDefault } from "../base/schema/key.ts";
import { integer, shownText } from "../base/schema/values.ts";
import { responseOf } from "../http/fetch/message.ts";
import { type ProblemCode, problem, problemStatus } from "../http/problem.ts";
import type { MiddlewareContext } from "./plugin.ts";

/** Options of a middleware that rejects requests: another status than the code's own, another detail. */
export const rejectionOptions = (code: ProblemCode) => ({
  status: withDefault(integer(400, 599), problemStatus(code), { help: "The status of a refusal." }),
  message: optional(shownText("a text for clients"), {
    help: "The detail of the problem answer of a refusal; by default a sentence of the gateway's own.",
  }),
});

/** How a middleware rejects a request. */
interface Rejection {
  readonly code: ProblemCode;
  /** For clients. */
  readonly detail: string;
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Answers a request with a problem. */
export function reject(
  { env: { outcome, facts } }: { readonly env: MiddlewareContext },
  { code, detail, status, headers }: Rejection,
): Response {
  outcome.reason = code;
  return responseOf(problem(code, detail, { status, headers, head: facts.method === "HEAD" }));
}

/**
 * Something a middleware needs is unavailable: its requests are answered 503, which is logged once for each
 * `Unavailable`.
 */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
  /** Whether the log has it. */
  reported = false;
}
