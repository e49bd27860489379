import type { Random } from "../base/clock.ts";
import { FIELD, mayHave } from "../http/fields.ts";
import type { IncomingRequest } from "../http/request.ts";

/** Visible ASCII only: an id is copied into logs and headers. */
const FIT = /^[\x21-\x7e]{1,128}$/;

/** Gives every request its id. */
export interface RequestIds {
  /** The client's `x-request-id` where it is fit (1 to 128 visible characters), else a new one. */
  of(facts: Pick<IncomingRequest, "headers" | "fields">): string;
  /** A new one, for what brings none. */
  next(): string;
}

/**
 * Ids of a random prefix per gateway and a counter: unique, and made for a fraction of a random UUID's cost, which on
 * this path counts.
 */
export function createRequestIds(random: Random): RequestIds {
  let prefix = "";
  while (prefix.length < 16) prefix += Math.floor(random() * 16).toString(16);
  let count = 0;
  function next(): string {
    count++;
    return `${prefix}-${count.toString(16)}`;
  }

  return {
    of(facts) {
      const sent = mayHave(facts, FIELD.requestId) ? facts.headers.get("x-request-id") : null;
      return sent !== null && FIT.test(sent) ? sent : next();
    },
    next,
  };
}
