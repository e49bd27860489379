import type { BalancerConfig } from "../balancing/options.ts";
import type { Keepalive } from "../http/transport.ts";

/** How long each part of a request may take, in milliseconds; 0: as long as it likes. */
export interface TimeoutOptions {
  /** To connect. */
  readonly connect: number;
  /** One attempt, to the answer's headers. */
  readonly try: number;
  /** The same for all attempts together. */
  readonly response: number;
  /** Of silence in an answer's body, or in both directions of a WebSocket. */
  readonly idle: number;
}

/** What a request may be tried again for. */
export type RetryCause = "connect" | "reset" | "timeout" | 500 | 502 | 503 | 504;

/** When a request is tried on another address. */
export interface RetryOptions {
  /** Tries in all, the first included; all: as many as there are addresses. */
  readonly attempts: number | "all";
  readonly on: readonly RetryCause[];
}

/** What proxying reads of a route, every default filled in. */
export interface ProxyRule {
  readonly timeouts: TimeoutOptions;
  readonly retries: RetryOptions;
  readonly keepalive: Keepalive;
  readonly balancer: BalancerConfig;
  /** The `Host` that pods get: the client's, the pod's own address, or `upstream_host`. */
  readonly pass_host: "pass" | "node" | "rewrite";
  readonly upstream_host?: string | undefined;
}
