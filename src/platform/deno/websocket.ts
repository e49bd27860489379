import { webMessageSocket } from "../web-socket.ts";
import type { Upgrade } from "../websocket.ts";
import { deno } from "./api.ts";

/** A client silent for this many seconds, answering no ping either, is gone. */
const CLIENT_SILENCE_S = 120;

/** The WebSockets of one server. */
export interface DenoSockets {
  readonly upgrade: Upgrade;
  closeAll(): void;
}

/** Makes the WebSocket side of one server. */
export function createDenoSockets(): DenoSockets {
  const open = new Set<WebSocket>();
  return {
    upgrade(request, headers) {
      const protocol = headers.get("sec-websocket-protocol");
      let upgraded: ReturnType<typeof deno.upgradeWebSocket>;
      try {
        upgraded = deno.upgradeWebSocket(request, {
          idleTimeout: CLIENT_SILENCE_S,
          ...(protocol === null ? undefined : { protocol }),
        });
      } catch {
        return undefined; // The client is gone, or its handshake is none that Deno knows.
      }
      const { socket, response } = upgraded;
      for (const [name, value] of headers) {
        if (name !== "sec-websocket-protocol") response.headers.append(name, value);
      }
      open.add(socket);
      socket.addEventListener("close", () => open.delete(socket));
      return { response, socket: webMessageSocket(socket) };
    },
    closeAll() {
      for (const socket of open) socket.close(1000, "The gateway is stopping");
    },
  };
}
