import type { GoneSignal } from "./message.ts";

type Listener = Parameters<GoneSignal["addEventListener"]>[1];

const call = (listener: Listener): void => {
  if (typeof listener === "function") listener();
  else listener.handleEvent();
};

/** Whether a request's client left, for the few that ask: an `AbortSignal` costs as much as finding a route. */
export class ClientGone implements GoneSignal {
  aborted: boolean;
  /** Most have one. */
  #first: Listener | undefined = undefined;
  #others: Listener[] | undefined = undefined;

  constructor(aborted: boolean) {
    this.aborted = aborted;
  }

  addEventListener(_type: "abort", listener: Listener): void {
    if (this.aborted || listener === this.#first || this.#others?.includes(listener)) return;
    if (this.#first === undefined) this.#first = listener;
    else if (this.#others === undefined) this.#others = [listener];
    else this.#others.push(listener);
  }

  removeEventListener(_type: "abort", listener: Listener): void {
    if (this.#first === listener) {
      this.#first = this.#others?.shift();
      return;
    }
    const at = this.#others?.indexOf(listener) ?? -1;
    if (at !== -1) this.#others!.splice(at, 1);
  }

  /** The client left. Calls each listener, once. */
  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    const first = this.#first;
    const others = this.#others;
    this.#first = this.#others = undefined;
    if (first !== undefined) call(first);
    if (others !== undefined) for (const listener of others) call(listener);
  }
}
