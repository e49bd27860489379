/**
 * Event streams (WHATWG HTML, Server-sent events) that are open. They do not end by themselves, so a gateway that stops
 * ends them: a whole body's end tells a browser to connect again, a cut connection is an error.
 */
export interface EventStreams {
  /** Functions that each end one of them in peace. */
  readonly open: Set<() => void>;
  /** Ends all that are open. */
  endAll(): void;
}

/** None is open yet. */
export function createEventStreams(): EventStreams {
  const open = new Set<() => void>();
  return {
    open,
    endAll() {
      for (const end of open) end();
    },
  };
}

/** Whether an answer is an event stream. The body comes last: asking for it costs Bun more than all the rest. */
export const isEventStream = (answer: Response): boolean =>
  answer.headers.get("content-type")?.startsWith("text/event-stream") === true && answer.body !== null;
