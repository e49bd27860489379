import type { ClientTls } from "./tls.ts";

/** `fetch` as this project uses it: how it carries a CA or a client certificate is the runtime's business. */
export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/** The forward proxy for requests to a URL; undefined: none. */
export type ProxyOf = (url: string) => string | undefined;

/**
 * Makes a fetch with connections of its own, so that what a certificate or a CA allows never serves another server. It
 * verifies with `tls`, follows no redirect, decompresses answers, and is never cut by the runtime's own timers. It goes
 * through the proxy that `proxyOf` names for a URL, and through none of the environment's own accord; where `proxyOf`
 * throws, the fetch rejects. Throws where the runtime cannot do what `tls` asks for.
 */
export type ClientFetch = (tls: ClientTls, proxyOf?: ProxyOf) => Fetch;
