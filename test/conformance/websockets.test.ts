import { afterAll, beforeAll, describe, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { join } from "node:path";
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import type { GatewayProcess } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { rawClient } from "../proxy/helpers.ts";
import { gatewayTo, portOf } from "./support.ts";
import { type RealSocket, RealWebSocket, RealWebSocketServer } from "./ws.ts";

const FIXTURES = join(import.meta.dir, "../fixtures/tls");
const DEFLATE = { threshold: 0, serverNoContextTakeover: true, clientMaxWindowBits: 12 };

/** What a server saw of a client, by the path it came with. */
interface Seen {
  socket: RealSocket;
  request: IncomingMessage;
  closed?: readonly [number, string];
  pings: string[];
}

let server: Server;
let gateway: GatewayProcess;
let secure: GatewayProcess;
let wss: InstanceType<typeof RealWebSocketServer>;
const seen = new Map<string, Seen>();

beforeAll(async () => {
  server = createServer((_, answer) => void answer.writeHead(426).end());
  wss = new RealWebSocketServer({
    server,
    perMessageDeflate: { threshold: 0 },
    maxPayload: 100_000_000,
    verifyClient: ({ req }: { req: IncomingMessage }) => req.url !== "/refused",
    handleProtocols: (offered: Set<string>) => [...offered].at(-1),
  });
  wss.on("connection", (socket, request) => {
    const state: Seen = { socket, request, pings: [] };
    seen.set(request.url!, state);
    socket.on("error", () => {});
    socket.on("message", (data, binary) => socket.send(data, { binary }));
    socket.on("ping", (data) => void state.pings.push(String(data)));
    socket.on("close", (code, reason) => {
      state.closed = [code, String(reason)];
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const tls = { cert_file: join(FIXTURES, "server.crt"), key_file: join(FIXTURES, "server.key") };
  [gateway, secure] = await Promise.all([gatewayTo([port]), gatewayTo([port], { server: { tls } })]);
});
afterAll(async () => {
  for (const socket of wss.clients) socket.terminate();
  server.close();
  await Promise.all([gateway.stop(), secure.stop()]);
});

/** A client of the gateway's, and what it got. */
interface Client {
  readonly socket: RealSocket;
  readonly messages: Buffer[];
  readonly pongs: string[];
  closed?: readonly [number, string];
}

async function dial(path: string, { protocols = [] as string[], options = {}, from = gateway } = {}): Promise<Client> {
  const url = from.url.replace(/^http/, "ws");
  const socket = new RealWebSocket(url + path, protocols, {
    perMessageDeflate: DEFLATE,
    rejectUnauthorized: false,
    ...options,
  });
  const client: Client = { socket, messages: [], pongs: [] };
  socket.on("message", (data) => void client.messages.push(data));
  socket.on("pong", (data) => void client.pongs.push(String(data)));
  socket.on("close", (code, reason) => {
    client.closed = [code, String(reason)];
  });
  await new Promise<void>((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("error", reject);
  });
  return client;
}

const serverOf = (path: string): Promise<Seen> => until(() => seen.get(path), `a socket of ${path} at the server`);
const sha = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

describe("a WebSocket of a real client through the gateway", () => {
  for (const [way, front] of [
    ["plain", () => gateway],
    ["TLS", () => secure],
  ] as const) {
    test(`negotiates compression and a protocol with the real server, not with the gateway: ${way}`, async () => {
      const path = `/deflate-${way}`;
      const client = await dial(path, { protocols: ["a", "b"], from: front() });
      const { socket } = await serverOf(path);
      assertEquals([client.socket.protocol, socket.protocol], ["b", "b"]);
      assertMatch(client.socket.extensions, /permessage-deflate/);
      assertEquals(client.socket.extensions, socket.extensions);
      const before = socket._socket.bytesRead;
      client.socket.send("a".repeat(1_000_000));
      await until(() => client.messages.length === 1, "the echo");
      assertEquals(String(client.messages[0]), "a".repeat(1_000_000));
      assertLess(socket._socket.bytesRead - before, 20_000, "what came to the server was not compressed");
      client.socket.close();
    });
  }

  test("carries a message of 64 MB there and back, byte for byte, compressed or not", async () => {
    const data = randomBytes(64_000_000);
    for (const perMessageDeflate of [false, DEFLATE]) {
      const client = await dial(`/large-${perMessageDeflate !== false}`, {
        options: { perMessageDeflate, maxPayload: 100_000_000 },
      });
      client.socket.send(data);
      await until(() => client.messages.length === 1, { timeout: 60_000, message: "64 MB to come back" });
      assertEquals(sha(client.messages[0]!), sha(data));
      client.socket.terminate();
    }
  });

  test("is one of 1,000 at once, each with its own messages, and none is left", async () => {
    const clients = await Promise.all(Array.from({ length: 1000 }, (_, i) => dial(`/many-${i}`)));
    for (const [i, { socket }] of clients.entries()) {
      socket.send(`text ${i}`);
      socket.send(Buffer.from([i & 255, i >> 8]));
    }
    await until(() => clients.every(({ messages }) => messages.length === 2), { message: "all echoes" });
    for (const [i, { messages }] of clients.entries()) {
      assertEquals([String(messages[0]), [...messages[1]!]], [`text ${i}`, [i & 255, i >> 8]]);
    }
    for (const [i, { socket }] of clients.entries()) socket.close(4000 + (i % 1000), `bye ${i}`);
    await until(() => clients.every(({ closed }) => closed !== undefined), { message: "all to be closed" });
    for (let i = 0; i < 1000; i++) {
      const server = await serverOf(`/many-${i}`);
      await until(() => server.closed !== undefined, "the server's end to be closed");
      assertEquals(server.closed, [4000 + i, `bye ${i}`]);
    }
    await until(() => [...wss.clients].every(({ readyState }) => readyState === 3), "no socket to be left");
  });

  test("closes with the code and the words of either end", async () => {
    const [one, other] = [await dial("/client-closes"), await dial("/server-closes")];
    one.socket.close(4001, "client is done");
    const left = await serverOf("/client-closes");
    await until(() => left.closed && one.closed, "both ends to be closed");
    assertEquals(
      [left.closed, one.closed],
      [
        [4001, "client is done"],
        [4001, "client is done"],
      ],
    );
    (await serverOf("/server-closes")).socket.close(4002, "server is done");
    const right = await serverOf("/server-closes");
    await until(() => right.closed && other.closed, "both ends to be closed");
    assertEquals(
      [right.closed, other.closed],
      [
        [4002, "server is done"],
        [4002, "server is done"],
      ],
    );
  });

  test("that ends without a close is seen to on the other side, within a second", async () => {
    const [one, other] = [await dial("/client-dies"), await dial("/server-dies")];
    const left = await serverOf("/client-dies");
    one.socket.terminate();
    await until(() => left.closed, { timeout: 1000, message: "the server to see that its client is gone" });
    assertEquals(left.closed, [1006, ""]);
    (await serverOf("/server-dies")).socket.terminate();
    await until(() => other.closed, { timeout: 1000, message: "the client to see that its server is gone" });
    assertEquals(other.closed, [1006, ""]);
  });

  test("has its pings answered by the other end, not by the gateway", async () => {
    const client = await dial("/pings");
    client.socket.ping("are you there");
    await until(() => client.pongs.length === 1, "a pong");
    assertEquals(client.pongs, ["are you there"]);
    assertEquals((await serverOf("/pings")).pings, ["are you there"]);
    client.socket.close();
  });

  test("sends fragments, empty messages and binary ones as they are", async () => {
    const client = await dial("/fragments");
    client.socket.send("frag", { fin: false });
    client.socket.send("ment", { fin: true });
    client.socket.send("");
    client.socket.send(Buffer.alloc(0));
    client.socket.send(Buffer.from("\0\xff", "latin1"));
    await until(() => client.messages.length === 4, "four messages");
    assertEquals(
      client.messages.map((data) => data.toString("latin1")),
      ["fragment", "", "", "\0\xff"],
    );
    client.socket.close();
  });

  test("that is refused by the pod gets the pod's answer, and the connection is not a tunnel", async () => {
    const url = gateway.url.replace(/^http/, "ws");
    const socket = new RealWebSocket(`${url}/refused`, [], {});
    socket.on("error", () => {});
    const status = await new Promise<number>((resolve) => {
      socket.on("unexpected-response", (_, answer) => resolve(answer.statusCode!));
      socket.on("open", () => resolve(101));
    });
    assertEquals(status, 401);
  });
});

describe("the bytes of a WebSocket", () => {
  const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
  const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
  const HANDSHAKE = [
    "GET /raw HTTP/1.1",
    "Host: a",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
  ];
  const ask = [...HANDSHAKE, `Sec-WebSocket-Key: ${KEY}`, "", ""].join("\r\n");
  const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
  let pod: TcpServer;
  let front: GatewayProcess;
  let answer = "";
  let received = "";
  let ended = false;
  beforeAll(async () => {
    pod = createTcpServer((socket) => {
      received = "";
      ended = false;
      socket.on("error", () => {});
      socket.on("end", () => {
        ended = true;
      });
      socket.on("data", (data) => {
        const first = received === "";
        received += data.toString("latin1");
        if (first) socket.write(Buffer.from(answer, "latin1"));
      });
    });
    pod.listen(0, "127.0.0.1");
    await once(pod, "listening");
    front = await gatewayTo([(pod.address() as AddressInfo).port], { route: { health: { passive: false } } });
  });
  afterAll(async () => {
    await front.stop();
    pod.close();
  });

  test("sent behind the handshake by either end reach the other, whatever they are", async () => {
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
    answer = `${SWITCH}Sec-WebSocket-Accept: ${ACCEPT}\r\n\r\n${all}`;
    const client = await rawClient(portOf(front), `${ask}${all}`);
    await until(() => received.endsWith(all), { message: () => `the client's bytes, got ${JSON.stringify(received)}` });
    await until(() => client.received().endsWith(all), "the pod's bytes");
    client.send("more");
    await until(() => received.endsWith("more"), "more of them");
    client.socket.end();
    await until(() => ended, "the client's end to reach the pod");
    client.socket.destroy();
  });

  test("keep the handshake's fields: versions, keys, extensions, subprotocols, origin", async () => {
    answer = `${SWITCH}Sec-WebSocket-Accept: ${ACCEPT}\r\nSec-WebSocket-Extensions: x-own; a=1\r\nX-Pod: 1\r\n\r\n`;
    const fields = [
      "Origin: http://a.test",
      "Sec-WebSocket-Extensions: x-own; a=1, permessage-deflate",
      "Sec-WebSocket-Protocol: p",
    ];
    const client = await rawClient(portOf(front), ask.replace("\r\n\r\n", `\r\n${fields.join("\r\n")}\r\n\r\n`));
    await until(() => client.received().includes("\r\n\r\n"), "the answer");
    for (const line of [...fields, `Sec-WebSocket-Key: ${KEY}`])
      assert(received.includes(`\r\n${line}\r\n`), `${line} is not in ${received}`);
    for (const line of ["Sec-WebSocket-Extensions: x-own; a=1", "X-Pod: 1"])
      assert(client.received().includes(line), client.received());
    client.socket.destroy();
  });

  const wrong: Record<string, string> = {
    "an Accept of another key": `${SWITCH}Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n`,
    "no Accept": `${SWITCH}\r\n`,
    "another protocol": `HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: other\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
    "no Upgrade": `HTTP/1.1 101 S\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
  };
  for (const [what, bytes] of Object.entries(wrong)) {
    test(`go nowhere where the pod switches with ${what}: 502`, async () => {
      answer = `${bytes}SMUGGLED`;
      const client = await rawClient(portOf(front), ask);
      await until(() => client.received().includes("\r\n\r\n"), "an answer");
      assertMatch(client.received(), /^HTTP\/1\.1 502 /);
      assert(!client.received().includes("SMUGGLED"));
      client.socket.destroy();
    });
  }

  for (const [what, lines] of Object.entries({
    h2c: ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"],
    "HTTP/2.0": ["Connection: Upgrade", "Upgrade: HTTP/2.0"],
    "TLS/1.2": ["Connection: Upgrade", "Upgrade: TLS/1.2"],
  })) {
    test(`are never those of ${what}: the pod is not asked to switch`, async () => {
      answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
      const client = await rawClient(portOf(front), ["GET /raw HTTP/1.1", "Host: a", ...lines, "", ""].join("\r\n"));
      await until(() => client.received().endsWith("ok"), "the answer");
      assert(!/^(upgrade|http2-settings):/im.test(received), received);
      client.socket.destroy();
    });
  }

  test("of any other protocol that the client asks for are a tunnel as well", async () => {
    answer = "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x-own\r\n\r\nhello";
    const client = await rawClient(
      portOf(front),
      "GET /raw HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x-own\r\n\r\n",
    );
    await until(() => client.received().endsWith("hello"), { message: () => client.received() });
    assertMatch(client.received(), /^HTTP\/1\.1 101 /);
    client.send("\0\xff");
    await until(() => received.endsWith("\0\xff"), "the client's bytes");
    client.socket.destroy();
  });

  test("are refused by a pod in words, which the client reads", async () => {
    answer = "HTTP/1.1 403 No\r\ncontent-length: 3\r\n\r\nno!";
    const client = await rawClient(portOf(front), ask);
    await until(() => client.received().endsWith("no!"), "the pod's words");
    assertMatch(client.received(), /^HTTP\/1\.1 403 /);
    client.socket.destroy();
  });
});
