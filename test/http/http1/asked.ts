import { LazyAbortController } from "../../../src/base/abort.ts";
import { Fields } from "../../../src/http/header-fields.ts";
import { Connection } from "../../../src/http/http1/connection.ts";
import type { HttpAnswer } from "../../../src/http/message.ts";
import type { SocketEvents, StreamSocket } from "../../../src/platform/sockets.ts";

/** A connection to a pod in memory, with a request under way on it: its pod's side is `events`. */
export function asked(method = "GET") {
  let events: SocketEvents | undefined;
  const address = { host: "192.0.2.1", port: 80 };
  const socket: StreamSocket = {
    peer: address,
    local: address,
    listen: (to) => {
      events = to;
    },
    write: () => true,
    writeFramed: () => true,
    waiting: 0,
    end() {},
    pause() {},
    resume() {},
    reset() {},
    destroy() {},
  };
  let [free, gone] = [0, 0];
  const connection = new Connection(socket, { free: () => free++, gone: () => gone++ });
  const answer = new Promise<HttpAnswer>((resolve, reject) => {
    connection.send({
      request: { method, headers: new Fields(), controller: new LazyAbortController() },
      head: `${method} / HTTP/1.1\r\n\r\n`,
      keepalive: { requests: 0, age: 0 },
      framing: undefined,
      upgrader: undefined,
      resolve,
      fail: reject,
    });
  });
  return { events: events!, answer, counts: () => ({ free, gone }) };
}
