/**
 * What is known of an answer's body without asking the Response, whose `body` costs a runtime more than proxying the
 * rest: it is there as a whole, or it is still on its way and tells when its last byte came.
 */
export type BodyState = "whole" | OpenBody;

/** A body on its way. */
export interface OpenBody {
  /** Called once the last byte came, just before the body ends; not where it breaks off. */
  onEnd: (() => void) | undefined;
}

const STATE: unique symbol = Symbol("body state");

type Known = Response & { [STATE]?: BodyState };

/** Notes it of an answer. */
export function setBodyState(answer: Response, state: BodyState | undefined): void {
  (answer as Known)[STATE] = state;
}

/** undefined: it is not known, as where a middleware made the answer. */
export const bodyState = (answer: Response): BodyState | undefined => (answer as Known)[STATE];
