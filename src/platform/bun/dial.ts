import { KEEP_ALIVE_MS } from "../node/streams.ts";
import type { Dial } from "../sockets.ts";
import { BunSocket, bunSocketHandlers } from "./socket.ts";

/**
 * Connects with `Bun.connect`, for HTTP: node:net's streams take a fifth of a bare proxy's time on top where bodies are
 * large. An attempt that is given up cannot be taken back from Bun 1.4.5: its socket stays until the system gives up
 * too (about two minutes where packets are swallowed), and is closed if it comes to stand.
 */
export const bunDial: Dial = async (to, { signal, preface, background }) => {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const opening = Bun.connect<BunSocket>({
    hostname: to.host,
    port: to.port,
    allowHalfOpen: true,
    data: undefined as unknown as BunSocket,
    socket: {
      ...bunSocketHandlers,
      open(socket) {
        socket.data = new BunSocket(socket);
        socket.pause();
      },
    },
  });
  try {
    const socket = await Promise.race([opening, aborted.promise]);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    if (background) socket.unref();
    if (preface !== undefined) socket.data.write(preface);
    return socket.data;
  } catch (error) {
    opening.then((socket) => socket.close()).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
};
