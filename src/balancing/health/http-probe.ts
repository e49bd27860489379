import { LazyAbortController } from "../../base/abort.ts";
import type { Endpoint } from "../../discovery/types.ts";
import type { HeaderFields } from "../../http/header-fields.ts";
import type { HttpAnswer } from "../../http/message.ts";
import { bodySourceOf, isWhole } from "../../http/watched-source.ts";
import type { HttpProbeOptions } from "../options.ts";
import type { Probe } from "./active-health.ts";

/** How a probe is sent; the proxy's own fetch takes this too. */
export type ProbeFetch = (
  url: string,
  init: { method: "GET"; headers: HeaderFields; controller: LazyAbortController; endpoint: Endpoint },
) => Promise<HttpAnswer>;

/**
 * Asks a target for `path`. Good is a status of `statuses`, by default 200 to 399 as with a kubelet's HTTP probe;
 * redirects are not followed. `fetch` is the route's own, with its TLS settings.
 */
export const httpProbe =
  ({ path, host, statuses }: HttpProbeOptions, fetch: ProbeFetch): Probe =>
  async (target, signal) => {
    const headers = new Headers({ "user-agent": "podway-health", accept: "*/*" });
    if (host !== undefined) headers.set("host", host);
    const { status, body } = await fetch(target.origin + path, {
      method: "GET",
      headers,
      controller: LazyAbortController.following(signal),
      endpoint: target.endpoint,
    });
    if (!isWhole(body)) bodySourceOf(body).cancel();
    const good = statuses?.includes(status) ?? (status >= 200 && status < 400);
    return good ? undefined : `status ${status}`;
  };
