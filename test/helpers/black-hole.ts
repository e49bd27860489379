import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { endingWithUs } from "./child.ts";

const LISTENER = `
  const server = require("node:net").createServer(() => {});
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(server.address().port));
`;
/** So many connections in a row that do not come to stand: the backlog is full, and it is not the machine that is slow. */
const WAITING = 4;

/** An address that answers no handshake, as of a node that is gone. */
export interface BlackHole extends AsyncDisposable {
  readonly node: { readonly host: string; readonly port: number };
}

/** A stopped process with a full backlog: the kernel drops what comes to it. */
export async function blackHole(): Promise<BlackHole> {
  const child = Bun.spawn(endingWithUs([process.execPath, "-e", LISTENER]), {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  child.kill("SIGSTOP");
  const fillers: Socket[] = [];
  for (let waiting = 0; waiting < WAITING; ) {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    fillers.push(socket);
    const stands = await Promise.race([once(socket, "connect").then(() => true), Bun.sleep(300).then(() => false)]);
    waiting = stands ? 0 : waiting + 1;
  }
  return {
    node: { host: "127.0.0.1", port },
    async [Symbol.asyncDispose]() {
      for (const socket of fillers) socket.destroy();
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
