import type { SocketAddress } from "../base/addresses.ts";

/** What is read of a stream to serve its connections. */
export interface StreamRule {
  readonly id: string;
  readonly listen: SocketAddress;
  readonly timeouts: {
    /** Milliseconds to connect to one address, TLS included; 0: no limit. */
    readonly connect: number;
    /** Milliseconds without a byte either way after which both ends are closed; 0: no limit. */
    readonly idle: number;
  };
  /** Addresses tried in all, the first included. */
  readonly retries: { readonly attempts: number };
  /** The version of HAProxy's protocol that tells the upstream the client's address; left out: none does. */
  readonly proxy_protocol?: "v1" | "v2" | undefined;
  /** Connections at a time; left out: no limit. */
  readonly max_connections?: number | undefined;
}
