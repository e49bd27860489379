import type { Exchange, Recorder } from "../exchange.ts";
import type { Tracing } from "./types.ts";

/** Ends the request's span: now, or when the WebSocket that it became is over. */
function endTrace(exchange: Exchange, status: number): void {
  const { trace, over } = exchange;
  if (trace === undefined) return;
  if (over === undefined) trace.end(exchange, status);
  else void over.then(() => trace.end(exchange, status));
}

/** What takes requests that are over, of the access log and the traces that there are; undefined: there is neither. */
export function recorderOf(accessLog: Recorder | undefined, tracing: Tracing | undefined): Recorder | undefined {
  if (tracing === undefined) return accessLog;
  return {
    finish(exchange, response) {
      endTrace(exchange, response.status);
      return accessLog === undefined ? response : accessLog.finish(exchange, response);
    },
  };
}
