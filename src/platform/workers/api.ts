/** What is used of Cloudflare Workers' API: its types and Bun's cannot be loaded side by side. */

/** A binding that requests can be sent through: a Workers VPC network, another Worker, an mTLS certificate. */
export interface Fetcher {
  fetch(input: string | Request, init?: RequestInit): Promise<Response>;
}

/** The binding of a Durable Object class. */
export interface DurableObjectNamespace {
  idFromName(name: string): unknown;
  get(id: unknown): Fetcher;
}

/** What a deployment gives the Worker: variables and secrets are texts, the rest are bindings. */
export interface WorkerEnv {
  /** Reaches the apiserver. With several clusters, `APISERVER_ID` (upper case, `_` for `-`) goes first. */
  readonly APISERVER?: Fetcher;
  /** Reaches the pods. */
  readonly UPSTREAM?: Fetcher;
  /** Holds the snapshot for all isolates. */
  readonly SNAPSHOT_HOLDER?: DurableObjectNamespace;
  readonly [name: string]: unknown;
}
