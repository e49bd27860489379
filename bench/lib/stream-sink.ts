/**
 * `bun stream-sink.ts PORT`: what the stream benchmark reaches through its proxies. A connection that begins with `p`
 * gets a byte for each chunk; another one gets the number of its bytes, as text, once it has ended.
 */
import { createServer } from "node:net";

const PING = "p".charCodeAt(0);

createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  let bytes = 0;
  let ping = false;
  socket.on("data", (chunk: Uint8Array) => {
    if (bytes === 0) ping = chunk[0] === PING;
    bytes += chunk.byteLength;
    if (ping) socket.write("q");
  });
  socket.on("end", () => socket.end(ping ? "" : String(bytes)));
  socket.on("error", () => {});
}).listen(Number(process.argv[2]), "127.0.0.1");
