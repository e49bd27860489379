import type { AccessLogEntry, RequestLogger } from "./access-log-entry.ts";
import type { Tracing } from "./tracing/types.ts";

/** Ends the request's span: now, or when the WebSocket that it became is over. */
function endTrace(entry: AccessLogEntry, status: number): void {
  const { trace, over } = entry;
  if (trace === undefined) return;
  if (over === undefined) trace.end(entry, status);
  else void over.then(() => trace.end(entry, status));
}

/** What takes requests that are over, of the access log and the traces that there are; undefined: there is neither. */
export function requestLoggerOf(
  accessLog: RequestLogger | undefined,
  tracing: Tracing | undefined,
): RequestLogger | undefined {
  if (tracing === undefined) return accessLog;
  return {
    finish(entry, response) {
      endTrace(entry, response.status);
      return accessLog === undefined ? response : accessLog.finish(entry, response);
    },
  };
}
