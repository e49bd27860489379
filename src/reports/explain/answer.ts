import type { HealthConfig } from "../../balancing/options.ts";
import type { Decider } from "../../balancing/types.ts";
import type { ClusterStatus, NodeDetail, PortAnswer } from "../../discovery/views.ts";
import type { ProblemCode } from "../../http/problem.ts";
import type { RetryOptions, TimeoutOptions } from "../../proxy/options.ts";
import type { RouteExplanation } from "../../routing/explain.ts";

/**
 * What explain answers: plain data, ready for JSON. No header value of the request and no secret of the config is in
 * it.
 */
export interface Explained {
  readonly request: ExplainedRequest;
  /** What a client would get. */
  readonly verdict: Verdict;
  /**
   * Every route in the order of precedence, and why it takes the request or not. Empty for a request that is refused.
   */
  readonly routes: readonly RouteExplanation[];
  /** The id of the route that takes it; null: none does. */
  readonly route: string | null;
  /** The route's middleware, in their order. */
  readonly middleware: readonly ExplainedMiddleware[];
  /** How the request goes on; left out where it does not. */
  readonly upstream?: ExplainedUpstream;
  /** Where it may go: several where the route splits its requests. */
  readonly services: readonly ExplainedService[];
  /**
   * How many workers serve; left out: one process does it all. Each has turns and ejections of its own: nodes then
   * stand in the order of one that has not begun, and requests in flight are not shown.
   */
  readonly workers?: number;
}

/** The request that is explained, as the gateway reads it. */
export interface ExplainedRequest {
  readonly method: string;
  readonly scheme: "http" | "https";
  /** "" for a request without one. */
  readonly host: string;
  readonly path: string;
  /** Names of its query parameters. */
  readonly query: readonly string[];
  /** Names of its headers. */
  readonly headers: readonly string[];
  /** The address it comes from: 127.0.0.1 unless said otherwise. */
  readonly client: string;
}

/** The end of it. */
export interface Verdict {
  /**
   * `forward`: it is sent to a node. `redirect`: the route answers by itself. `problem`: the gateway answers with a
   * problem. `depends`: the route splits its requests, and only some of its services have nodes.
   */
  readonly outcome: "forward" | "redirect" | "problem" | "depends";
  /** One sentence. */
  readonly summary: string;
  /** Of the gateway's own answer. */
  readonly status?: number;
  readonly code?: ProblemCode;
  /** The words a client reads in a problem answer. */
  readonly detail?: string;
  /** Of a redirect. */
  readonly location?: string;
}

/** One middleware of the route. */
export interface ExplainedMiddleware {
  /** As in the config; the path of the module for `use`. */
  readonly name: string;
  /** When it answers by itself instead of passing the request on; left out: never. */
  readonly answers?: string;
}

/** What is sent to the upstream, and by which rules. */
export interface ExplainedUpstream {
  readonly scheme: "http" | "https" | "ws" | "wss";
  readonly path: {
    /** As it is sent on, without the query, which passes as it is. */
    readonly sent: string;
    /** The key of the route that changed it; null: it is unchanged. */
    readonly by: "strip_prefix" | "rewrite_path" | null;
  };
  readonly host: {
    readonly policy: "pass" | "node" | "rewrite";
    /** The Host header the upstream sees; null: the chosen node's address. */
    readonly value: string | null;
  };
  /** Names of headers the route changes. */
  readonly request_headers?: HeaderNames;
  /** Names of query parameters the route changes. */
  readonly request_query?: Omit<HeaderNames, "add">;
  readonly response_headers?: HeaderNames;
  readonly timeouts: TimeoutOptions;
  readonly retries: RetryOptions & {
    /** For what of `on` this method may be tried again. */
    readonly applies: RetryOptions["on"];
  };
  readonly health: HealthConfig;
}

/** Names of headers that are changed. */
export interface HeaderNames {
  readonly set: readonly string[];
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** One service of the route, and what a request that goes there finds. */
export interface ExplainedService {
  /** As the route says it; null for a route's own `nodes`. */
  readonly service: string | null;
  /** `[id/]namespace/name[:port]`, complete. */
  readonly reference: string;
  readonly weight: number;
  /** Of the route's requests, from 0 to 1; 0 for a service whose priority is not in use. */
  readonly share: number;
  /** The greater first. */
  readonly priority: number;
  /** Whether its priority is the one that requests go to now: no higher one has an address that takes traffic. */
  readonly inUse: boolean;
  /** The request's key or cookie means this one of several. */
  readonly chosen?: boolean;
  /** Left out for a route's own `nodes`, and where there is no such cluster. */
  readonly cluster?: Pick<ClusterStatus, "id" | "mode" | "state" | "stale" | "ages" | "lastError">;
  readonly port?: PortAnswer;
  readonly balancing: {
    readonly policy: "round_robin" | "least_requests" | "random" | "consistent_hash" | "sticky_cookie";
    /** What decides for this request; null: there is no address to decide about. */
    readonly by: Decider | null;
    /** What of a request the policy looks at, such as `header x-user`. */
    readonly key?: string;
  };
  /** In the order of balancing: where a turn, a key or a cookie decides, the first gets the request. */
  readonly nodes: readonly ExplainedNode[];
  readonly excluded: readonly ExcludedNode[];
  /** What was left out while reading the objects. */
  readonly notes?: readonly string[];
  /** Why no node takes the request. */
  readonly code?: ProblemCode;
  readonly reason?: string;
  /** What exists in place of what was asked for: ports, services, namespaces or clusters. */
  readonly available?: readonly string[];
}

/** What discovery knows of a node; a route's own nodes have no more than an address. */
type Details = Partial<Omit<NodeDetail, "excluded" | keyof Address>>;

interface Address {
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  /** Left out: 0. */
  readonly priority?: number;
}

/** A node that takes requests. */
export interface ExplainedNode extends Address, Details {
  /** Left out where workers serve. */
  readonly inFlight?: number;
  /** Why it would be left out, were there others: used for want of better ones. */
  readonly doubt?: string;
}

/** An address that is known and gets no traffic. */
export interface ExcludedNode extends Address, Details {
  readonly reason: string;
  /** When it takes requests again, where that is known (ISO 8601). */
  readonly until?: string;
}
