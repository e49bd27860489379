/** How far a gateway is with stopping. */
export interface Drain {
  /** SIGTERM came: every answer whose head is still to be written is its connection's last. */
  begun: boolean;
  /** The time to drain is over: what is under way is cut off, and it is not its client that left. */
  over: boolean;
}

/** Has an answer close its connection: the next request must find another gateway (RFC 9112 section 9.6). */
export function lastAnswer(response: Response): Response {
  if (response.status === 101) return response;
  try {
    response.headers.set("connection", "close");
    return response;
  } catch {
    // The headers of a runtime's own answer cannot be changed.
    const { status, statusText, body } = response;
    const headers = new Headers(response.headers);
    headers.set("connection", "close");
    return new Response(body, { status, statusText, headers });
  }
}
