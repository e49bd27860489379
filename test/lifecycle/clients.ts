import { connect, type Socket } from "node:net";

/** Clients that ask without a pause, over sockets of their own: nothing in between tries again for them. */
export interface Clients {
  readonly answered: number;
  /** What was not answered, by what became of it: `refused`, `reset`, or the wrong answer's first line. */
  readonly failures: ReadonlyMap<string, number>;
  /** Ends once every request is answered. */
  stop(): Promise<void>;
  /** The gateway is going: nobody opens a connection any more, and who keeps one uses it until it is told to close it. */
  leave(): Promise<void>;
}

/** What they do. */
export interface ClientsOptions {
  readonly port: number;
  /** Clients that keep their connection until the gateway says that it closes it. */
  readonly keepAlive: number;
  /** Clients with a connection for each request. */
  readonly fresh: number;
}

const HOST = "127.0.0.1";

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: HOST, noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

/** Sends one GET; resolves with the answer once it is whole. Rejects when the connection ends before. */
function get(socket: Socket, close: boolean): Promise<{ line: string; closes: boolean }> {
  return new Promise((resolve, reject) => {
    let text = "";
    const end = (): void => {
      socket.off("data", read);
      socket.off("close", lost);
      socket.off("end", lost);
    };
    const lost = (): void => {
      end();
      reject(new Error("reset"));
    };
    const read = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      const head = text.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1]);
      if (text.length < head + 4 + length) return;
      end();
      resolve({ line: text.slice(0, text.indexOf("\r\n")), closes: /\r\nconnection: close/i.test(text) });
    };
    socket.on("data", read);
    socket.once("close", lost);
    socket.once("end", lost);
    if (socket.destroyed || socket.readableEnded) return lost();
    socket.write(`GET / HTTP/1.1\r\nhost: gateway.test\r\n${close ? "connection: close\r\n" : ""}\r\n`);
  });
}

/** Starts them. */
export function startClients({ port, keepAlive, fresh }: ClientsOptions): Clients {
  const failures = new Map<string, number>();
  let answered = 0;
  let going = true;
  let leaving = false;
  const fail = (what: string): void => void failures.set(what, (failures.get(what) ?? 0) + 1);

  async function client(keeps: boolean): Promise<void> {
    let socket: Socket | undefined;
    while (going && !(leaving && (!keeps || socket === undefined))) {
      if (socket === undefined || socket.destroyed || socket.readableEnded) {
        try {
          socket = await open(port);
          socket.on("error", () => {});
        } catch {
          fail("refused");
          await Bun.sleep(5);
          continue;
        }
      }
      try {
        const { line, closes } = await get(socket, !keeps);
        answered++;
        if (line !== "HTTP/1.1 200 OK") fail(line);
        if (!keeps || closes) {
          socket.destroy();
          socket = undefined;
        }
      } catch {
        fail("reset");
        socket?.destroy();
        socket = undefined;
      }
    }
    socket?.destroy();
  }

  const all = Promise.all([
    ...Array.from({ length: keepAlive }, () => client(true)),
    ...Array.from({ length: fresh }, () => client(false)),
  ]);
  return {
    get answered() {
      return answered;
    },
    failures,
    async stop() {
      going = false;
      await all;
    },
    async leave() {
      leaving = true;
      await all;
    },
  };
}
