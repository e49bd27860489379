import type { UpstreamFetch, UpstreamInit } from "./types.ts";

/** What a runtime's fetch is asked, which is ended by a signal. */
export interface FetchInit extends UpstreamInit {
  signal?: AbortSignal | undefined;
}

/** How requests leave, by a fetch. */
export function overFetch(fetch: (url: string, init: FetchInit) => Promise<Response>): UpstreamFetch {
  return (url, init) => {
    const asked: FetchInit = init;
    asked.signal = init.canceller.signal;
    return fetch(url, asked);
  };
}
