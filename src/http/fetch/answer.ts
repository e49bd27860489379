import type { HttpAnswer } from "../message.ts";
import { isWhole, WatchedSource } from "../watched-source.ts";
import { responseOf } from "./message.ts";

/**
 * An answer for a server of the fetch standard. Its body is given up when the client leaves: not every server cancels a
 * stream that it was not reading just then. A field that is none of HTTP's makes it a 502 without a word.
 */
export function fetchAnswer(request: Request, answer: HttpAnswer): Response {
  const { status, statusText, headers, body } = answer;
  if (answer instanceof Response) return answer;
  try {
    // The runtime's own is passed on as it is: one that is read comes out of its coding on Workers.
    if (isWhole(body) || "getReader" in body) return responseOf(answer);
    const { signal } = request;
    const leave = (): void => source.cancel(signal.reason);
    const over = (): void => signal.removeEventListener("abort", leave);
    const source = new WatchedSource(body, { passed: () => {}, over });
    signal.addEventListener("abort", leave);
    return responseOf({ status, statusText, headers, body: source });
  } catch {
    return new Response(null, { status: 502 });
  }
}
