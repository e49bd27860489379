import { copyFields, Fields } from "./header-fields.ts";
import type { HttpAnswer } from "./message.ts";

/** How far a gateway is with stopping. */
export interface Drain {
  /** SIGTERM came: every answer whose head is still to be written is its connection's last. */
  begun: boolean;
  /** The time to drain is over: what is under way is cut off, and it is not its client that left. */
  over: boolean;
}

/** Has an answer close its connection: the next request must find another gateway (RFC 9112 section 9.6). */
export function lastAnswer(answer: HttpAnswer): HttpAnswer {
  if (answer.status === 101) return answer;
  const { status, statusText, body } = answer;
  const headers = answer.headers instanceof Fields ? answer.headers : copyFields(answer.headers);
  headers.set("connection", "close");
  return headers === answer.headers ? answer : { status, statusText, headers, body };
}
