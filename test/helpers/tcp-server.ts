import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** What listens on a port of loopback. */
export interface TcpServer {
  readonly port: number;
  /** Connections open now. */
  open(): number;
  stop(): void;
}

/** Hands each connection to `taken`; one that breaks is no error of the test's. */
export async function listenTcp(taken: (socket: Socket) => void, allowHalfOpen = false): Promise<TcpServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    taken(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    open: () => sockets.size,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
