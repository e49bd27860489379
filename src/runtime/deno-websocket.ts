import { MESSAGE_BYTES, type MessageSocket, type SocketEvents, type Upgrade } from "../proxy/websocket-types.ts";
import { deno } from "./deno-api.ts";

/** Bytes waiting to be written over which the other side is paused. */
const HIGH_WATER = 256 * 1024;

/** How often a socket that is full is looked at: the standard's WebSocket does not tell when it has written. */
const LOOK_AGAIN_MS = 20;

/** A client silent for this many seconds, answering no ping either, is gone. */
const CLIENT_SILENCE_S = 120;

/** A message too big (RFC 6455 section 7.4.1). */
const TOO_BIG = 1009;

const sizeOf = (data: string | ArrayBuffer): number =>
  typeof data === "string" ? new TextEncoder().encode(data).byteLength : data.byteLength;

/** The client's end: messages that come while it is paused wait here, for the standard's WebSocket cannot be paused. */
function messageSocket(socket: WebSocket): MessageSocket {
  let events: SocketEvents | undefined;
  let paused = false;
  const held: (string | ArrayBuffer)[] = [];
  let opened = socket.readyState === WebSocket.OPEN;
  const unsent: (string | Uint8Array)[] = [];
  socket.binaryType = "arraybuffer";

  const hand = (data: string | ArrayBuffer): void =>
    events?.message(typeof data === "string" ? data : new Uint8Array(data), sizeOf(data));

  const write = (message: string | Uint8Array): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(message as string | Uint8Array<ArrayBuffer>);
  };

  const lookAgain = (): void => {
    setTimeout(() => {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (socket.bufferedAmount > HIGH_WATER) lookAgain();
      else events?.drained();
    }, LOOK_AGAIN_MS);
  };

  socket.onopen = () => {
    opened = true;
    for (const message of unsent.splice(0)) write(message);
  };
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (sizeOf(data) > MESSAGE_BYTES) {
      socket.close(TOO_BIG, "The message is too big");
      events?.closed(TOO_BIG, "The message is too big");
      events = undefined;
    } else if (paused) held.push(data);
    else hand(data);
  };
  socket.onclose = ({ code, reason }) => {
    const told = events;
    events = undefined;
    told?.closed(code, reason);
  };
  // Told by `close`, which follows.
  socket.onerror = () => {};

  return {
    listen(next) {
      events = next;
    },
    send(message) {
      if (!opened) {
        unsent.push(message);
        return true;
      }
      write(message);
      if (socket.bufferedAmount <= HIGH_WATER) return true;
      lookAgain();
      return false;
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
      while (!paused && held.length > 0) hand(held.shift()!);
    },
    close(code, reason) {
      events = undefined;
      // The standard allows code 1000 and 3000 to 4999 alone; what else the other side said cannot be passed on.
      if (code === 1005) socket.close();
      else if (code === 1000 || (code >= 3000 && code <= 4999)) socket.close(code, reason);
      else socket.close(1000, reason);
    },
    terminate() {
      events = undefined;
      socket.close();
    },
  };
}

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
      return { response, socket: messageSocket(socket) };
    },
    closeAll() {
      for (const socket of open) socket.close(1000, "The gateway is stopping");
    },
  };
}
