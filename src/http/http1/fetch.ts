import { backgroundClock } from "../../platform/background-clock.ts";
import type { Dial } from "../../platform/sockets.ts";
import type { UpstreamFetch } from "../../proxy/types.ts";
import { createHttp1Client } from "./client.ts";

/** How pods are reached by TCP, and by TLS over it. */
export interface Dials {
  readonly plain: Dial;
  readonly secure: Dial;
}

/** Requests to pods by the gateway's own client, with connections of their own for `http` and `https`. */
export function http1Fetch({ plain, secure }: Dials): UpstreamFetch {
  const [http, https] = [plain, secure].map((dial) =>
    createHttp1Client({ dial, clock: backgroundClock, random: Math.random }),
  );
  const send: UpstreamFetch = (url, init) => (url.startsWith("https:") ? https! : http!)(url, init);
  return Object.assign(send, { endToEnd: true as const, meters: true as const });
}
