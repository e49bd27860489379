import type { Fetch } from "../platform/fetch.ts";

/** Who we are to the apiserver. */
export interface Credentials {
  /** The `Authorization` header for the next request, or undefined for none. An error never holds a secret. */
  authorization(): Promise<string | undefined>;
  /** The apiserver answered 401: what is cached is read again for the next request. */
  rejected(): void;
  /** Their file may have changed: it is read for the next request; while that fails, what is known stays in use. */
  changed(): void;
}

/** How to reach one apiserver. What it holds may be swapped by `refresh()`: read the fields for each request. */
export interface ApiserverConnection {
  /** `https://host:port`, without a slash at its end; IPv6 bracketed. */
  readonly server: string;
  readonly fetch: Fetch;
  readonly credentials: Credentials;
  /** The namespace a kubeconfig's context names. */
  readonly namespace?: string | undefined;
  /** False: the apiserver's certificate is not looked at. */
  readonly verifies?: boolean | undefined;
  /** False: no CA is given, and the machine's own are trusted. */
  readonly givesCa?: boolean | undefined;
  /** Paths whose change asks for a `refresh()`: CA, certificate, key, token file, kubeconfig. */
  readonly files: readonly string[];
  /** Reads all files again for new requests. Rejects, and keeps what it has, when one cannot be read. */
  refresh(): Promise<void>;
}
