import type { Transport } from "../../src/http/transport.ts";

/** How a test's pods are asked. */
export type Send = Transport["send"];

/** A transport that a function is the pods of: as little of one as there can be. */
export const transportOf = (send: Send): Transport => ({
  send,
  dial: undefined,
  stripsHopByHop: false,
});
