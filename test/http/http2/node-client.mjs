// Asks an HTTP/2 server with Node's own client, and prints what came of it as JSON.
import { connect, constants } from "node:http2";

const session = connect(`http://127.0.0.1:${process.argv[2]}`, {
  settings: { initialWindowSize: 5000 },
  // Megabytes: Node gives up streams of its own accord when more waits.
  maxSessionMemory: 200,
});
const settings = await new Promise((resolve) => session.once("remoteSettings", resolve));

function ask(headers, body, options = {}) {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, {
      endStream: body === undefined,
      waitForTrailers: options.trailers !== undefined,
    });
    const answer = { body: Buffer.alloc(0), headers: {}, trailers: {}, interim: [] };
    stream.on("headers", (found) => answer.interim.push(found[":status"]));
    stream.on("response", (found) => {
      answer.headers = found;
    });
    stream.on("trailers", (found) => {
      answer.trailers = found;
    });
    stream.on("data", (bytes) => {
      answer.body = Buffer.concat([answer.body, bytes]);
    });
    stream.on("wantTrailers", () => stream.sendTrailers(options.trailers));
    stream.on("close", () => (stream.rstCode === 0 ? resolve(answer) : reject(new Error(`reset ${stream.rstCode}`))));
    stream.on("error", reject);
    if (body !== undefined) stream.end(body);
    options.started?.(stream);
  });
}

let seed = 7;
const random = (below) => {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return seed % below;
};

let echoes = 0;
let resets = 0;
for (let round = 0; round < 3; round++) {
  const asked = [];
  for (let i = 0; i < 100; i++) {
    const body = Buffer.alloc(random(60_000), 65 + (i % 26));
    asked.push(
      ask({ ":path": "/echo", ":method": "POST" }, body).then((answer) => {
        if (!answer.body.equals(body)) throw new Error(`another body: ${answer.body.length} of ${body.length}`);
        echoes++;
      }),
    );
  }
  await Promise.all(asked);
  // Given up at any point: before, in the middle of and behind the body.
  const given = [];
  for (let i = 0; i < 100; i++) {
    const started = (stream) => setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), random(20));
    const outcome = ask({ ":path": "/echo", ":method": "POST" }, Buffer.alloc(random(200_000)), { started });
    given.push(outcome.catch(() => {}).then(() => resets++));
  }
  await Promise.all(given);
}
const trailed = await ask({ ":path": "/echo", ":method": "POST" }, "x", { trailers: { "x-sum": "2" } });
const early = await ask({ ":path": "/early" });
const plain = await ask({ ":path": "/" });
const pinged = await new Promise((resolve) => session.ping((error) => resolve(error === null)));
session.close();
process.stdout.write(
  JSON.stringify({
    settings: [settings.maxConcurrentStreams, settings.initialWindowSize, settings.enableConnectProtocol],
    echoes,
    trailers: trailed.trailers["x-sum"],
    early: early.interim[0],
    resets,
    cookies: plain.headers["set-cookie"],
    pinged,
  }),
);
