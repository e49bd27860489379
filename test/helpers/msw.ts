/**
 * Mock Service Worker, behind one door.
 *
 * Its `setupServer` replaces Node's sockets, which Bun does not let it do. Our modules take their fetch as an argument,
 * so nothing needs replacing: the handlers answer a fetch that is handed in.
 */
import { getResponse, type HttpHandler } from "msw";

export { HttpResponse, http } from "msw";

/** A fetch that msw's handlers answer. */
export interface MockServer {
  readonly fetch: (input: string, init?: RequestInit) => Promise<Response>;
  /** Every request so far. */
  readonly requests: Request[];
  /** These handlers come before the ones there are. */
  use(...handlers: HttpHandler[]): void;
}

/** Answers with the handlers given; a request that none handles rejects, as a refused connection does. */
export function setupServer(...initial: HttpHandler[]): MockServer {
  let handlers = initial;
  const requests: Request[] = [];
  return {
    requests,
    use(...more) {
      handlers = [...more, ...handlers];
    },
    async fetch(input, init) {
      const request = new Request(input, init);
      requests.push(request);
      const response = await getResponse(handlers, request);
      if (response === undefined) throw new TypeError(`ECONNREFUSED: no handler for ${request.method} ${request.url}`);
      if (response.type === "error") throw new TypeError("ECONNRESET: the connection was lost");
      return response;
    },
  };
}
