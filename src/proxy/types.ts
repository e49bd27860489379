import type { Backend, Backends } from "../balancing/backends.ts";
import type { RetryBudget } from "../balancing/retry-budget.ts";
import type { Pool } from "../balancing/types.ts";
import type { Canceller } from "../base/abort.ts";
import type { RouteConfig } from "../config/schema.ts";
import type { Endpoint, Upstream } from "../discovery/types.ts";
import type { Keepalive } from "../http/http1/call.ts";
import type { RequestFacts } from "../http/request.ts";
import type { Upgrade, UpstreamConnect } from "../platform/websocket.ts";
import type { Outcome, SeriesCounts } from "../telemetry/counters.ts";
import type { Exchange } from "../telemetry/exchange.ts";
import type { BodyMeter } from "./upload.ts";

/** A request to an upstream, besides its URL. */
export interface UpstreamInit {
  readonly method: string;
  readonly headers: Headers;
  body?: ReadableStream<Uint8Array> | undefined;
  /** Hears of the body as it is read, where `meters` says so. */
  readonly meter?: BodyMeter | undefined;
  /** Where it goes, and the cluster that told of it: for those who get there by another way than its address. */
  endpoint?: Endpoint | undefined;
  cluster?: string | undefined;
  /** Ends it. What takes a signal takes this one's. */
  canceller: Canceller;
  /** Whose signal tells that nobody reads the answer any more. */
  readonly client?: Pick<Request, "signal"> | undefined;
  /** Who reads the answer's body copies each piece before it asks for the next. @default false */
  readonly transient?: boolean | undefined;
  /** When its connection is given up after it; left out: when it has been idle for a while. */
  readonly reuse?: Keepalive | undefined;
  /** Milliseconds to make a connection, where that can be seen; 0 or left out: as long as it takes. */
  readonly connectTimeout?: number | undefined;
}

/**
 * How requests leave for an upstream: redirects are answers as any other, encoded bodies stay encoded, and nothing cuts off
 * what is silent.
 */
export interface UpstreamFetch {
  (url: string, init: UpstreamInit): Promise<Response>;
  /** Its answers hold nothing that is good for one hop only (RFC 9110 section 7.6.1). Left out: somebody has to look. */
  readonly endToEnd?: true;
  /** It tells `meter` of the body it sends. Left out: the body itself has to. */
  readonly meters?: true;
}

/** Where a request of a route may go. */
export interface Choice extends Backend {
  readonly upstream: Upstream;
  /** The addresses of `upstream`. */
  readonly pool: Pool;
  /** How many retries the service may get. */
  readonly budget: RetryBudget;
  /** Where its answers and retries are counted; left out: nowhere. */
  readonly counts?: SeriesCounts | undefined;
}

/** A route as the forwarder needs it: compiled once per config. */
export interface ProxyRoute {
  readonly id: string;
  readonly rule: RouteConfig;
  /** The path to ask the upstream for; gives back the same string where nothing changes. */
  readonly rewrite: (path: string, facts: RequestFacts) => string;
  /** `request_query` of the config, compiled: the query to ask for; left out where there is nothing to change. */
  readonly query?: ((facts: RequestFacts) => string) | undefined;
  /** `request_headers` of the config, compiled; left out where there is nothing to change. */
  readonly requestHeaders?: ((headers: Headers, underscored?: readonly string[]) => void) | undefined;
  /** `response_headers` of the config, compiled; left out where there is nothing to change. */
  readonly responseHeaders?: ((headers: Headers) => void) | undefined;
  /** Which of the route's services gets a request, and where its retries go. */
  readonly backends: Backends<Choice>;
  /** Nobody but the runtime's server reads its answers, and that copies each piece before it asks for the next. @default false */
  readonly transient?: boolean | undefined;
  /** Largest request body in bytes where the route says so, beside the gateway's own limit; 0 or left out: it does not. */
  readonly bodyBytes?: number | undefined;
  /** A fetch with the route's `upstream_tls`; left out: the forwarder's own. */
  readonly fetch?: UpstreamFetch | undefined;
  /** The same for WebSockets. */
  readonly connect?: UpstreamConnect | undefined;
}

/** Sends requests to upstreams. */
export interface Forwarder {
  /**
   * Answers with what the route's upstream answers, or with a problem. Never rejects for an error of an upstream.
   * `request.headers` may be changed in place. `exchange`, where requests are recorded, is filled in; an answer that comes
   * as a promise has been through `exchange.recorder`. `upgrade` accepts a
   * client's WebSocket; left out, those are refused. `outcome`, where there is one, tells who answered and why.
   */
  forward(
    request: Request,
    facts: RequestFacts,
    route: ProxyRoute,
    exchange?: Exchange,
    upgrade?: Upgrade,
    outcome?: Outcome,
  ): Promise<Response> | Response;
}
