import type { Backend, Backends } from "../balancing/backends.ts";
import type { RetryBudget } from "../balancing/retry-budget.ts";
import type { Pool } from "../balancing/types.ts";
import type { Upstream } from "../discovery/types.ts";
import type { HeaderFields } from "../http/header-fields.ts";
import type { ClientRequest, HttpAnswer } from "../http/message.ts";
import type { IncomingRequest } from "../http/request.ts";
import type { Transport } from "../http/transport.ts";
import type { SeriesCounts } from "../telemetry/counters.ts";
import type { RequestOutcome } from "../telemetry/request-outcome.ts";
import type { ProxyRule } from "./options.ts";

/** Where a request of a route may go. */
export interface ProxyBackend extends Backend {
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
  readonly rule: ProxyRule;
  /** The path to ask the upstream for; gives back the same string where nothing changes. */
  readonly rewrite: (path: string, facts: IncomingRequest) => string;
  /** `request_query` of the config, compiled: the query to ask for; left out where there is nothing to change. */
  readonly query?: ((facts: IncomingRequest) => string) | undefined;
  /** `request_headers` of the config, compiled; left out where there is nothing to change. */
  readonly requestHeaders?: ((headers: HeaderFields, underscored?: readonly string[]) => void) | undefined;
  /** `response_headers` of the config, compiled; left out where there is nothing to change. */
  readonly responseHeaders?: ((headers: HeaderFields) => void) | undefined;
  /** Which of the route's services gets a request, and where its retries go. */
  readonly backends: Backends<ProxyBackend>;
  /** Largest request body in bytes, in place of the gateway's limit; 0 or left out: there is no other. */
  readonly bodyBytes?: number | undefined;
  /** How its requests leave, with its `upstream_tls`. */
  readonly transport: Transport;
}

/** Sends requests to upstreams. */
export interface Forwarder {
  /**
   * Answers with what the route's upstream answers, or with a problem, and ends the request unless `outcome` defers
   * that. Never rejects for an error of an upstream. `facts.headers` may be changed in place.
   */
  forward(
    request: ClientRequest,
    facts: IncomingRequest,
    route: ProxyRoute,
    outcome: RequestOutcome,
  ): Promise<HttpAnswer> | HttpAnswer;
}
