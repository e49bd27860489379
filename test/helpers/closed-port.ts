import { connect, createServer, type Socket } from "node:net";

/** Connections that keep their ports from being given to others. */
const held: Socket[] = [];

/**
 * A port on which a connection is refused, and that stays so: one end of an open connection has it, so no listener of a test
 * that runs beside this one is given it, as it would be given a port that was merely closed.
 */
export async function closedPort(host = "127.0.0.1"): Promise<number> {
  const server = createServer((socket) => {
    held.push(socket.unref().on("error", () => {}));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as { port: number };
  const socket = connect({ port, host, localAddress: host });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve).once("error", reject);
  });
  server.unref();
  held.push(socket.unref().on("error", () => {}));
  return socket.localPort!;
}
