/**
 * Why a client's body breaks off.
 * - `client_gone`: its client left.
 * - `refused`: it is framed in a way that can be read as two things.
 * - `stalled`: its client sends it too slowly.
 * - `answered`: its request has had its whole answer, and the rest is not wanted.
 */
export type RequestBodyFailure = "client_gone" | "refused" | "stalled" | "answered";

/** A client's body broke off. */
export class RequestBodyError extends Error {
  override name = "RequestBodyError";
  readonly failure: RequestBodyFailure;

  constructor(failure: RequestBodyFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}
