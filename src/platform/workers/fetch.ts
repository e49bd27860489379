import { isAddress } from "../../base/addresses.ts";
import type { Fetch } from "../fetch.ts";
import type { Fetcher, WorkerEnv } from "./api.ts";

/** What Cloudflare answers, in place of the address, to a fetch of one. */
const NO_ADDRESSES = /error code: 1003/;

/** That answer is this short; a pod's own may be of any size. */
const LONGEST = 1024;

/** A Worker cannot reach bare addresses; `code` is what the proxy knows as "no connection". */
const unreachable = (binding: string, what: string): Error =>
  Object.assign(
    new Error(
      `Workers cannot fetch addresses (Cloudflare's error 1003): bind a fetcher that reaches ${what} ` +
        `as ${binding} (Workers VPC, or another Worker)`,
    ),
    { code: "ENETUNREACH" },
  );

/** Fetches without a binding, and says why that cannot work for an address. */
export function openFetch(
  binding: string,
  what: string,
  send: (input: string, init?: RequestInit) => Promise<Response>,
): (input: string, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    const response = await send(input, init);
    if (response.status !== 403 || !isAddress(new URL(input).hostname.replace(/^\[|\]$/g, ""))) return response;
    const length = Number(response.headers.get("content-length") ?? Number.NaN);
    const byCloudflare = response.headers.get("server") === "cloudflare";
    if (!byCloudflare && !(length <= LONGEST)) return response;
    if (NO_ADDRESSES.test(await response.clone().text())) throw unreachable(binding, what);
    return response;
  };
}

type Send = (input: string, init?: RequestInit) => Promise<Response>;

const through = (fetcher: Fetcher | undefined, binding: string, what: string): Send =>
  fetcher === undefined
    ? openFetch(binding, what, (input, init) => fetch(input, init))
    : (input, init) => fetcher.fetch(input, init);

/** How a cluster's apiserver is reached. */
export function apiserverFetch(env: WorkerEnv, cluster: string): Fetch {
  const own = `APISERVER_${cluster.toUpperCase().replaceAll("-", "_")}`;
  const bound = cluster === "" ? env.APISERVER : ((env[own] as Fetcher | undefined) ?? env.APISERVER);
  const send = through(bound, cluster === "" ? "APISERVER" : `${own} or APISERVER`, "the apiserver");
  return (input, init) => send(input, { ...init, redirect: "manual" });
}

/** How pods are reached. */
export const upstreamFetch = (env: WorkerEnv): Fetch => through(env.UPSTREAM, "UPSTREAM", "the pods");
