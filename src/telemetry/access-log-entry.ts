import type { IncomingRequest } from "../http/request.ts";
import type { RequestTrace } from "./tracing/types.ts";

/**
 * What happened to one request: filled in as it goes, read once by the access log and the request's trace. Only made
 * where one of them is on.
 */
export interface AccessLogEntry {
  readonly facts: IncomingRequest;
  /** Undefined: requests are not traced. */
  readonly trace: RequestTrace | undefined;
  /** Set once it is on its way to a pod: tells when the client leaves in the middle of the answer. */
  request: Request | undefined;
  /** The request's id: the client's where it sent a fit one, else ours. */
  id: string;
  /** Ids and names of what was chosen; undefined: it never came so far. */
  route: string | undefined;
  service: string | undefined;
  cluster: string | undefined;
  /** `host:port` of the last address tried. */
  upstream: string | undefined;
  /** Of the upstream's answer; undefined: there was none. */
  upstreamStatus: number | undefined;
  /** Milliseconds from the last attempt's start to its headers. */
  upstreamMs: number | undefined;
  /** Attempts made. */
  tries: number;
  /** A problem's code, or `client_gone`. */
  error: string | undefined;
  /** A WebSocket: resolves when it is over, with the bytes that went to the client. */
  over: Promise<number> | undefined;
}

/** A fresh record of a request. */
export function createAccessLogEntry(facts: IncomingRequest, id: string, trace?: RequestTrace): AccessLogEntry {
  return {
    facts,
    trace,
    request: undefined,
    id,
    route: undefined,
    service: undefined,
    cluster: undefined,
    upstream: undefined,
    upstreamStatus: undefined,
    upstreamMs: undefined,
    tries: 0,
    error: undefined,
    over: undefined,
  };
}
