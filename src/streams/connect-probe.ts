import type { ProbeFetch } from "../balancing/active-health.ts";
import { stripBrackets } from "../config/addresses.ts";
import type { Dial } from "./types.ts";

/**
 * Probes an address by connecting to it, its TLS handshake included. A connection that stands is a good answer (204), as
 * a probe with a path would get; one that does not rejects with why.
 */
export const connectProbe =
  (dial: Dial): ProbeFetch =>
  async (url, { signal }) => {
    const { hostname, port } = new URL(url);
    const socket = await dial({ host: stripBrackets(hostname), port: Number(port) }, { signal });
    socket.destroy();
    return new Response(null, { status: 204 });
  };
