import { MESSAGE_BYTES, type MessageEvents, type MessageSocket, type Upgrade } from "../websocket.ts";

/** Bytes waiting to be written over which the other side is paused. */
const HIGH_WATER = 256 * 1024;

/** A client silent for this many seconds, answering no ping either, is gone. */
const CLIENT_SILENCE_S = 120;

/** What Bun's server keeps with each WebSocket. */
export interface ServerSocketData {
  socket: Bun.ServerWebSocket<ServerSocketData> | undefined;
  events: MessageEvents | undefined;
  /** It takes no more until all of it was written. */
  full: boolean;
}

/** Tells, once, that a full socket has written all it had. */
function tellDrained(data: ServerSocketData): void {
  if (!data.full || data.socket!.getBufferedAmount() > 0) return;
  data.full = false;
  data.events?.drained();
}

/** A server's WebSockets: what `Bun.serve` is to be given, and what it does for the gateway. */
export interface ServerSockets {
  readonly handlers: Bun.WebSocketHandler<ServerSocketData>;
  /** The upgrade of that server. */
  upgradeOn(server: () => Bun.Server<ServerSocketData>): Upgrade;
  /** Closes all that are open, as going away (RFC 6455 section 7.4.1). */
  closeAll(): void;
}

/** The client's end, as Bun's server has it. */
function messageSocket(data: ServerSocketData): MessageSocket {
  const socket = data.socket!;
  return {
    listen(events) {
      data.events = events;
    },
    send(message) {
      if (typeof message === "string") socket.sendText(message);
      else socket.sendBinary(message);
      if (socket.getBufferedAmount() > HIGH_WATER) data.full = true;
      // What waits may leave together with what is sent, and then Bun has nothing to tell.
      else tellDrained(data);
      return !data.full;
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close(code, reason) {
      data.events = undefined;
      // Paused, it would not see the client's end of the connection.
      socket.resume();
      socket.close(code, reason);
    },
    terminate() {
      data.events = undefined;
      socket.terminate();
    },
  };
}

/** Makes the WebSocket side of one server. */
export function createServerSockets(): ServerSockets {
  const open = new Set<Bun.ServerWebSocket<ServerSocketData>>();
  return {
    handlers: {
      maxPayloadLength: MESSAGE_BYTES,
      // Nothing is dropped: a client that does not keep up makes its upstream wait.
      backpressureLimit: 0,
      idleTimeout: CLIENT_SILENCE_S,
      perMessageDeflate: false,
      open(socket) {
        socket.data.socket = socket;
        open.add(socket);
      },
      message(socket, message) {
        const size = typeof message === "string" ? Buffer.byteLength(message) : message.byteLength;
        socket.data.events?.message(message, size);
      },
      ping: (socket) => socket.data.events?.pinged(),
      drain: (socket) => tellDrained(socket.data),
      close(socket, code, reason) {
        open.delete(socket);
        const { events } = socket.data;
        socket.data.events = undefined;
        events?.closed(code, reason);
      },
    },
    upgradeOn: (server) => (request, headers) => {
      // Without one of its own Bun would choose the first that the client offers.
      if (!headers.has("sec-websocket-protocol")) headers.set("sec-websocket-protocol", "");
      const data: ServerSocketData = { socket: undefined, events: undefined, full: false };
      if (!server().upgrade(request, { headers, data }) || data.socket === undefined) return undefined;
      return { response: new Response(null, { status: 101 }), socket: messageSocket(data) };
    },
    closeAll() {
      for (const socket of open) socket.close(1001, "The gateway is stopping");
    },
  };
}
