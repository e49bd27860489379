/** What of a request consistent hashing looks at. */
export type HashKey =
  | { readonly header: string }
  | { readonly cookie: string }
  | { readonly query: string }
  | { readonly client_ip: true };

/** How a target is chosen. */
export type BalancerConfig =
  | "round_robin"
  | "least_requests"
  | "random"
  | { readonly consistent_hash: HashKey }
  | { readonly sticky_cookie: { readonly name: string } };

/** Ejection after failed requests. */
export interface PassiveHealthConfig {
  /** Failures in a row. */
  readonly failures: number;
  /** Milliseconds of the first ejection; 0: nothing is ejected. */
  readonly eject: number;
}

/** When probes are made, and how many it takes. */
export interface ProbeTimes {
  /** Milliseconds between probes of one target. */
  readonly interval: number;
  /** Milliseconds a probe may take. */
  readonly timeout: number;
  /** Good probes in a row until a target is used again. */
  readonly healthy: number;
  /** Bad probes in a row until a target is no longer used. */
  readonly unhealthy: number;
}

/** The request of an HTTP probe, and which answers are good. */
export interface HttpProbeOptions {
  readonly path: string;
  /** The `Host` header; left out: the target's address. */
  readonly host?: string | undefined;
  /** Statuses that are good; left out: 200 to 399. */
  readonly statuses?: readonly number[] | undefined;
}

/** Probes of every target. */
export type ActiveHealthConfig = ProbeTimes & HttpProbeOptions;

/** How targets that fail are found. `Probe`: what probes are made of. */
export interface HealthConfig<Probe = ActiveHealthConfig> {
  readonly passive: PassiveHealthConfig | false;
  readonly active: Probe | false;
}
