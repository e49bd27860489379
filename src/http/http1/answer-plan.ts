import type { Body, BodySource } from "../body.ts";
import { sourceOf } from "../fetch/body.ts";
import type { HttpAnswer } from "../message.ts";
import { answerHead, LENGTH_AS_GIVEN, NO_LENGTH } from "./answer-head.ts";
import { CHUNKED, UNTIL_CLOSE } from "./body-sender.ts";

const encoder = new TextEncoder();

const isStream = (body: BodySource | ReadableStream<Uint8Array>): body is ReadableStream<Uint8Array> =>
  "getReader" in body;

/** Lets go of a body that is not sent. */
export function cancelBody(body: Body): void {
  if (body === null || typeof body === "string" || body instanceof Uint8Array) return;
  if (!isStream(body)) body.cancel();
  else if (!body.locked) body.cancel().catch(() => {});
}

/** How an answer is sent (RFC 9112 section 6.3), of one at a time. */
class AnswerPlan {
  /** The connection cannot go on behind it, or is not to. */
  closes = false;
  /** The body that is sent, where it is there. */
  bytes: Uint8Array | undefined = undefined;
  /** The body that is sent, where it is on its way. */
  source: BodySource | undefined = undefined;
  /** Of `source`: its length, `CHUNKED` or `UNTIL_CLOSE`. */
  framing = 0;
  #more = "";

  /**
   * Takes an answer to a request of HTTP/1 with that minor version. `isHead`: to a HEAD. A body that is not to be sent is
   * let go of. Throws `UnwritableHead`.
   */
  begin({ status, statusText, headers, body }: HttpAnswer, minor: 0 | 1, isHead: boolean): void {
    this.#more = "";
    const source = body === null || typeof body === "string" || body instanceof Uint8Array ? undefined : body;
    const bytes = typeof body === "string" ? encoder.encode(body) : body instanceof Uint8Array ? body : undefined;
    const bodiless = isHead || status === 204 || status === 304;
    let length = LENGTH_AS_GIVEN;
    // RFC 9110 section 8.6.
    if (status === 204) length = NO_LENGTH;
    else if (!bodiless && source === undefined) length = bytes === undefined ? 0 : bytes.length;
    answerHead.begin(status, statusText, headers, length);
    this.closes = answerHead.closes;
    this.bytes = bodiless ? undefined : bytes;
    this.source = undefined;
    if (bodiless) {
      // A HEAD is answered as a GET would be.
      if (bytes !== undefined && status !== 204 && answerHead.length === NO_LENGTH) this.#tellLength(bytes.length);
      cancelBody(body);
    } else if (source !== undefined) {
      this.source = isStream(source) ? sourceOf(source) : source;
      this.#frame(this.source, minor);
    }
  }

  /** The head. `last`: the connection ends with this answer; `date`: what `Date` says where it is not given. */
  head(last: boolean, minor: 0 | 1, date: string): string {
    const connection = last ? "Connection: close\r\n" : minor === 0 ? "Connection: keep-alive\r\n" : "";
    return answerHead.finish(this.#more + connection, date);
  }

  #frame(source: BodySource, minor: 0 | 1): void {
    this.framing = answerHead.length;
    if (this.framing !== NO_LENGTH) return;
    if (source.length !== undefined) {
      this.framing = source.length;
      this.#tellLength(source.length);
    } else if (minor === 1) {
      this.framing = CHUNKED;
      this.#more = "Transfer-Encoding: chunked\r\n";
    } else {
      this.framing = UNTIL_CLOSE;
      this.closes = true;
    }
  }

  #tellLength(length: number): void {
    this.#more = `Content-Length: ${length}\r\n`;
  }
}

/** One serves all connections: no answer is begun before the head of the one before it is there. */
export const answerPlan: AnswerPlan = new AnswerPlan();
