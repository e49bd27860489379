/**
 * Clients that have asked once and wait: `bun idle.ts PORT CONNECTIONS ADDRESS`, from that address of their own. Says
 * `ready` when each has its answer, and keeps them until it is ended.
 */
import { connect } from "node:net";

const [port, count, localAddress] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]!];
/** So many are opened at a time: a listener's backlog is short. */
const AT_ONCE = 64;

const ask = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, localAddress });
    socket.once("data", () => resolve());
    socket.on("error", reject);
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  });

for (let open = 0; open < count; open += AT_ONCE) {
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - open) }, ask));
}
process.stdout.write("ready\n");
