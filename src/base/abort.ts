/** What is called when a request is given up. */
export interface AbortListener {
  onAbort(): void;
}

/**
 * Ends a request that is under way: an `AbortController` that makes its signal only where one is asked for. Making one
 * for each request costs as much as finding its route.
 */
export class LazyAbortController {
  /** Whether it was ended. */
  aborted = false;
  /** Called when it is, in place of listeners to the signal. */
  target: AbortListener | undefined = undefined;
  #controller: AbortController | undefined;
  #reason: unknown;

  /** The same for what takes a signal, such as fetch. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  /** One that is ended with a signal, which must not outlive it by much: it is never let go of. */
  static following(signal: AbortSignal): LazyAbortController {
    const controller = new LazyAbortController();
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
    return controller;
  }

  /** What the request is rejected with; left out, an `AbortError`. */
  get reason(): unknown {
    this.#reason ??= new DOMException("The request was cancelled", "AbortError");
    return this.#reason;
  }

  abort(reason?: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.#reason = reason;
    this.#controller?.abort(this.reason);
    this.target?.onAbort();
  }
}
