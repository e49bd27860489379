import { stripBrackets } from "../../base/addresses.ts";
import type { Dial } from "../../platform/sockets.ts";
import type { Probe } from "./active-health.ts";

/** Probes a target by connecting to it; where it speaks TLS, the handshake has to succeed too. */
export const connectProbe =
  (dial: Dial): Probe =>
  async ({ endpoint: { host, port } }, signal) => {
    const socket = await dial({ host: stripBrackets(host), port }, { signal });
    socket.destroy();
    return undefined;
  };
