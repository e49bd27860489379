import { type OpenBody, setBodyState } from "../../base/body-state.ts";
import type { HttpAnswer } from "../message.ts";
import { type BodyEnd, isWhole, WatchedSource } from "../watched-source.ts";
import { responseOf } from "./message.ts";

/**
 * An answer for a server of the fetch standard. Its body is given up when the client leaves: not every server cancels a
 * stream that it was not reading just then. A field that is none of HTTP's makes it a 502 without a word.
 */
export function fetchAnswer(request: Request, answer: HttpAnswer): Response {
  const { status, statusText, headers, body } = answer;
  if (answer instanceof Response) return answer;
  try {
    if (isWhole(body)) {
      const response = responseOf(answer);
      setBodyState(response, "whole");
      return response;
    }
    // The runtime's own is passed on as it is: one that is read comes out of its coding on Workers.
    if ("getReader" in body) return responseOf(answer);
    const open: OpenBody = { onEnd: undefined };
    const { signal } = request;
    const leave = (): void => source.cancel(signal.reason);
    const over = (how: BodyEnd): void => {
      signal.removeEventListener("abort", leave);
      if (how === "complete") open.onEnd?.();
    };
    const source = new WatchedSource(body, { passed: () => {}, over });
    signal.addEventListener("abort", leave);
    const response = responseOf({ status, statusText, headers, body: source });
    setBodyState(response, open);
    return response;
  } catch {
    return new Response(null, { status: 502 });
  }
}
