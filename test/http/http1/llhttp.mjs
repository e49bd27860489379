// Node's own server, whose parser is llhttp, as a second opinion: reads a JSON array of texts (a byte for each character) and
// writes what it made of each as the bytes of one connection.
import { createServer } from "node:http";
import { connect } from "node:net";
import process from "node:process";

/** What is being read: by the connection it comes over. */
const readings = new Map();

function take(request, response) {
  const { method, url, rawHeaders, httpVersion } = request;
  const lines = pairs(rawHeaders);
  const read = { method, url, version: httpVersion, lines, body: "", trailers: [], whole: false };
  readings.get(request.socket.remotePort).requests.push(read);
  request.setEncoding("latin1");
  request.on("data", (text) => {
    read.body += text;
  });
  request.on("end", () => {
    read.whole = true;
    read.trailers = pairs(request.rawTrailers);
    response?.end();
  });
  request.on("error", () => {});
}

const pairs = (raw) => raw.flatMap((name, at) => (at % 2 === 0 ? [`${name}:${raw[at + 1]}`] : []));

const server = createServer({ maxHeaderSize: 65_536, insecureHTTPParser: false, requireHostHeader: true }, take);
server.on("checkContinue", take);
server.on("clientError", (error, socket) => {
  const reading = readings.get(socket.remotePort);
  if (reading !== undefined) reading.error ??= error.code ?? String(error);
  socket.destroy();
});
server.listen(0, "127.0.0.1", async () => {
  let input = "";
  for await (const piece of process.stdin) input += piece;
  const results = [];
  for (const text of JSON.parse(input)) results.push(await ask(text));
  process.stdout.write(JSON.stringify(results));
  server.close();
  server.closeAllConnections();
});

function ask(text) {
  return new Promise((resolve) => {
    const socket = connect(server.address().port, "127.0.0.1", () => {
      const reading = { requests: [], error: undefined };
      const { localPort } = socket;
      readings.set(localPort, reading);
      let answers = "";
      socket.on("data", (data) => {
        answers += data;
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        readings.delete(localPort);
        const statuses = [...answers.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map((found) => Number(found[1]));
        resolve({ ...reading, statuses });
      });
      socket.end(text, "latin1");
    });
  });
}
