import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { Forwarder, ProxyMeter, RetryBudget, UpstreamFetch } from "./types.ts";

/** What a forwarder works with. */
export interface ForwarderOptions {
  /** How requests leave where a route brings no fetch of its own. */
  readonly fetch: UpstreamFetch;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly retryBudget: RetryBudget;
  readonly meter?: ProxyMeter | undefined;
  /** Which proxies in front of the gateway may say who the client is. @default none */
  readonly trusts?: ((address: string) => boolean) | undefined;
  /** Largest request body in bytes; 0: no limit. @default 0 */
  readonly bodyBytes?: number | undefined;
  /** Adds `Via` both ways. @default false */
  readonly via?: boolean | undefined;
  /** Adds `x-podway-upstream` and `x-podway-upstream-status` to answers. @default false */
  readonly upstreamHeaders?: boolean | undefined;
  /**
   * False where the runtime's server or fetch hands over immutable headers (Deno, Workers): a changed copy is made.
   * @default true
   */
  readonly mutableHeaders?: boolean | undefined;
}

/** Makes the one forwarder of a gateway. */
export declare function createForwarder(options: ForwarderOptions): Forwarder;
