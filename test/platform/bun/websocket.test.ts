import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { createServerSockets, type ServerSocketData } from "../../../src/platform/bun/websocket.ts";

/** The client's end over a socket of Bun's whose buffer is what a test says. */
function clientEnd() {
  const { handlers, upgradeOn } = createServerSockets();
  const told: string[] = [];
  let waiting = 0;
  let bun: Bun.ServerWebSocket<ServerSocketData> | undefined;
  const server = {
    upgrade(_request: Request, { data }: { data: ServerSocketData }) {
      bun = { data, getBufferedAmount: () => waiting, sendText: () => 1 } as unknown as typeof bun;
      handlers.open?.(bun!);
      return true;
    },
  } as unknown as Bun.Server<ServerSocketData>;
  const { socket } = upgradeOn(() => server)(new Request("http://gateway.test"), new Headers())!;
  const nothing = (): void => {};
  socket.listen({ message: nothing, pinged: nothing, drained: () => void told.push("drained"), closed: nothing });
  return {
    told,
    /** Sends a message, after which so many bytes wait. */
    send(bytes: number): boolean {
      waiting = bytes;
      return socket.send("x");
    },
    drain(bytes: number): void {
      waiting = bytes;
      handlers.drain?.(bun!);
    },
  };
}

const FULL = 1 << 20;

test("a client that is full stays so until all is written, however much of it leaves in between", () => {
  const { send, drain, told } = clientEnd();
  assertEquals([send(1000), send(FULL), send(1000)], [true, false, false]);
  drain(500);
  assertEquals(told, []);
  drain(0);
  drain(0);
  assertEquals([told, send(1000)], [["drained"], true]);
});

test("a full client whose rest leaves with the next message is told of then: Bun says nothing", () => {
  const { send, told } = clientEnd();
  assertEquals([send(FULL), send(0)], [false, true]);
  assertEquals(told, ["drained"]);
});
