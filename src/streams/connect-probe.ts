import type { Probe } from "../balancing/active-health.ts";
import { stripBrackets } from "../config/addresses.ts";
import type { Dial } from "./types.ts";

/** Probes a target by connecting to it, its TLS handshake included: a connection that stands is good. */
export const connectProbe =
  (dial: Dial): Probe =>
  async ({ endpoint: { host, port } }, signal) => {
    const socket = await dial({ host: stripBrackets(host), port }, { signal });
    socket.destroy();
    return undefined;
  };
