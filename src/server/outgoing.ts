import { forwardProxy } from "../kubernetes/forward-proxy.ts";
import type { Fetch } from "../platform/fetch.ts";
import type { ServeWorld } from "./serve.ts";

/** A fetch for what is neither an apiserver nor a pod: through the environment's proxy, but never to this machine. */
export function outgoingFetch({ runtime, host }: Pick<ServeWorld, "runtime" | "host">): Fetch {
  return runtime.clientFetch({ verify: true }, (url) => forwardProxy(url, host.env));
}
