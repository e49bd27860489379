import { afterAll, beforeAll, describe, test } from "bun:test";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { bunHost } from "../../src/platform/bun/host.ts";
import { ListenError, type StreamHandlers, type StreamListener } from "../../src/platform/listen.ts";
import { listenStream } from "../../src/platform/node/streams.ts";
import { openFilesOf } from "../../src/platform/node/usage.ts";
import type { StreamSocket } from "../../src/platform/sockets.ts";
import type { ServerCertificate } from "../../src/platform/tls.ts";
import { type Authority, createAuthority } from "../helpers/certificates.ts";
import { until } from "../helpers/wait.ts";
import { client } from "../streams/support.ts";

const ANY = { host: "127.0.0.1", port: 0 };

/** What came of one connection, from the listener's side. */
class Taken {
  readonly socket: StreamSocket;
  text = "";
  ended = false;
  drains = 0;
  /** Undefined: it is open. */
  closed: string | undefined;

  constructor(socket: StreamSocket) {
    this.socket = socket;
    socket.listen({
      data: (bytes) => {
        this.text += Buffer.from(bytes).toString("latin1");
      },
      ended: () => {
        this.ended = true;
      },
      drained: () => {
        this.drains++;
      },
      closed: (cause) => {
        this.closed = cause?.message ?? "";
      },
    });
  }
}

function handlers() {
  const taken: Taken[] = [];
  const refused: string[] = [];
  const of: StreamHandlers = {
    connection: (socket) => void taken.push(new Taken(socket)),
    admits: () => true,
    refused: (error) => void refused.push(error.message),
  };
  return { of, taken, refused, first: () => until(() => taken[0], "a connection") };
}

let authority: Authority;
const certificate = async (name: string, ...names: string[]): Promise<ServerCertificate> => {
  const files = await authority.issue(
    name,
    names.map((one) => `DNS:${one}`),
  );
  return { cert: await readFile(files.cert, "utf8"), key: await readFile(files.key, "utf8"), names };
};
beforeAll(async () => {
  authority = await createAuthority();
});
afterAll(() => authority[Symbol.asyncDispose]());

/** A client of TLS, when its handshake is over. */
async function tlsClient(port: number, options: object = {}): Promise<TLSSocket> {
  const ca = await readFile(authority.ca);
  const base = { host: "127.0.0.1", port, ca, servername: "a.test", allowHalfOpen: true };
  const socket = connectTls({ ...base, ...options });
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  return socket;
}

interface Kind {
  readonly name: string;
  listen(of: StreamHandlers): Promise<StreamListener>;
  dial(port: number): Promise<Socket>;
}

const plainDial = async (port: number): Promise<Socket> => {
  const socket = connectTcp({ host: "127.0.0.1", port, allowHalfOpen: true });
  await once(socket, "connect");
  socket.on("error", () => {});
  return socket;
};

const kinds: readonly Kind[] = [
  { name: "Bun's own", listen: (of) => bunHost.listenStream(ANY, of), dial: plainDial },
  { name: "node:net", listen: (of) => listenStream(ANY, of), dial: plainDial },
  {
    name: "node:tls",
    listen: async (of) => bunHost.listenStreamTls(ANY, of, [await certificate("a", "a.test")]),
    dial: tlsClient,
  },
];

describe.each(kinds)("a socket of the listener: $name", ({ listen, dial }) => {
  test("is paused until resume, and sends each character as one byte", async () => {
    const { of, first } = handlers();
    const listener = await listen(of);
    const peer = await dial(listener.port);
    let got = "";
    peer.on("data", (bytes: Buffer) => {
      got += bytes.toString("latin1");
    });
    const one = await first();
    peer.write("early");
    one.socket.write("caf\xe9 \x80\xff");
    await until(() => got === "caf\xe9 \x80\xff", "the text");
    assertEquals([one.text, one.ended], ["", false]);
    one.socket.resume();
    await until(() => one.text === "early", "what was sent while it was paused");
    assertEquals([one.socket.local.port, one.socket.peer.host], [listener.port, "127.0.0.1"]);
    peer.destroy();
    listener.close();
  });

  test("says when enough waits and how much, and when that has left; every byte arrives, in order", async () => {
    const { of, first } = handlers();
    const listener = await listen(of);
    const peer = await dial(listener.port);
    peer.pause();
    const one = await first();
    const piece = (n: number): Uint8Array => new Uint8Array(65_536).fill(n % 251);
    let sent = 0;
    while (one.socket.write(piece(sent++)) || sent < 20) assert(sent < 10_000);
    // A text behind bytes that wait goes behind them.
    one.socket.write("\xfe".repeat(1000));
    assert(one.socket.waiting >= 1000, `${one.socket.waiting}`);
    const chunks: Buffer[] = [];
    let bytes = 0;
    peer.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
    });
    peer.resume();
    await until(() => bytes === sent * 65_536 + 1000, { message: () => `${bytes} of ${sent * 65_536 + 1000}` });
    await until(() => one.drains > 0, "drained");
    assertEquals(one.socket.waiting, 0);
    const whole = Buffer.concat(chunks);
    for (let n = 0; n < sent; n++) {
      assertEquals([whole[n * 65_536], whole[n * 65_536 + 65_535]], [n % 251, n % 251]);
    }
    assertEquals([whole.at(-1), whole.at(-1000)], [0xfe, 0xfe]);
    peer.destroy();
    listener.close();
  });

  test("ends each direction by itself", async () => {
    const { of, first } = handlers();
    const listener = await listen(of);
    const peer = await dial(listener.port);
    let got = "";
    let ended = false;
    peer.on("data", (bytes: Buffer) => {
      got += bytes.toString("latin1");
    });
    peer.on("end", () => {
      ended = true;
    });
    const one = await first();
    one.socket.resume();
    peer.end("question");
    await until(() => one.ended, "its end is seen");
    one.socket.write("answer");
    await until(() => got === "answer", "the answer after the end");
    assertEquals(one.closed, undefined);
    one.socket.end();
    await until(() => ended && one.closed !== undefined, "both directions have ended");
    assertEquals([one.text, one.closed], ["question", ""]);
    listener.close();
  });

  test("ends each direction by itself, its own first", async () => {
    const { of, first } = handlers();
    const listener = await listen(of);
    const peer = await dial(listener.port);
    let ended = false;
    peer.on("end", () => {
      ended = true;
    });
    peer.resume();
    const one = await first();
    one.socket.resume();
    one.socket.end();
    await until(() => ended, "its end is seen");
    peer.end("more");
    await until(() => one.closed !== undefined, "both directions have ended");
    assertEquals([one.text, one.ended, one.closed], ["more", true, ""]);
    listener.close();
  });

  test("goes on when its port is closed, which takes no more", async () => {
    const { of, taken, first } = handlers();
    const listener = await listen(of);
    const peer = await dial(listener.port);
    const one = await first();
    one.socket.resume();
    listener.close();
    await until(async () => (await Promise.allSettled([plainDial(listener.port)]))[0]!.status === "rejected", "closed");
    peer.write("still there");
    await until(() => one.text === "still there", "the connection lives");
    one.socket.destroy();
    await until(() => one.closed !== undefined, "it is destroyed");
    assertEquals(taken.length, 1);
    peer.destroy();
  });

  test("breaks with a reset, where that is asked for", async () => {
    const { of, first } = handlers();
    const listener = await listen(of);
    const peer = await dial(listener.port);
    let code: string | undefined;
    peer.on("error", (error: NodeJS.ErrnoException) => {
      code = error.code;
    });
    peer.resume();
    (await first()).socket.reset();
    await until(() => code, "an error");
    assertEquals(code, "ECONNRESET");
    listener.close();
  });
});

describe("a port", () => {
  test.each([true, false])("that another has is taken, whether shared or not: share %p", async (share) => {
    const { of } = handlers();
    const first = await bunHost.listenStream(ANY, of);
    const error = await assertRejects(
      () => bunHost.listenStream({ ...ANY, port: first.port }, of, { share }),
      ListenError,
    );
    assertEquals((error as ListenError).taken, true);
    assertEquals(bunHost.isTaken({ ...ANY, port: first.port }), true);
    first.close();
    assertEquals(bunHost.isTaken({ ...ANY, port: first.port }), false);
  });

  test("may be shared by those who all say so", async () => {
    const [one, two] = [handlers(), handlers()];
    const first = await bunHost.listenStream(ANY, one.of, { share: true });
    const second = await bunHost.listenStream({ ...ANY, port: first.port }, two.of, { share: true });
    first.close();
    using peer = await client(first.port);
    await two.first();
    assertEquals([one.taken.length, peer.closed], [0, undefined]);
    second.close();
  });

  test("that cannot be listened on says where and why", async () => {
    const { of } = handlers();
    const elsewhere = { host: "192.0.2.1", port: 0 };
    const error = await assertRejects(() => bunHost.listenStream(elsewhere, of), ListenError, "192.0.2.1:0");
    assertEquals((error as ListenError).taken, false);
  });
});

describe("a listener with TLS", () => {
  test("agrees with its clients on a protocol, the first of its own that they know", async () => {
    const { of, taken } = handlers();
    const listener = await bunHost.listenStreamTls(ANY, of, [await certificate("a", "a.test")], {
      protocols: ["h2", "http/1.1"],
    });
    const agreed: (string | undefined)[] = [];
    for (const asked of [["http/1.1", "h2"], ["http/1.1"], undefined]) {
      const before = taken.length;
      const peer = await tlsClient(listener.port, { ALPNProtocols: asked });
      agreed.push((await until(() => taken[before], "a connection")).socket.protocol);
      peer.destroy();
    }
    assertEquals(agreed, ["h2", "http/1.1", undefined]);
    listener.close();
  });

  test("gives new connections its renewed certificates; those there are go on", async () => {
    const { of, taken } = handlers();
    const listener = await bunHost.listenStreamTls(ANY, of, [await certificate("a", "a.test")]);
    const old = await tlsClient(listener.port);
    const one = await until(() => taken[0], "a connection");
    one.socket.resume();
    listener.renew([await certificate("b", "b.test")]);
    const young = await tlsClient(listener.port, { servername: "b.test" });
    assertEquals(young.getPeerCertificate().subjectaltname, "DNS:b.test");
    old.write("still there");
    await until(() => one.text === "still there", "the connection before");
    old.destroy();
    young.destroy();
    listener.close();
  });

  test("closes a connection whose handshake takes too long, and says so", async () => {
    const { of, refused } = handlers();
    const listener = await bunHost.listenStreamTls(ANY, of, [await certificate("a", "a.test")], {
      handshakeTimeout: 300,
    });
    using silent = await client(listener.port);
    using half = await client(listener.port);
    half.socket.write(Buffer.from([22, 3, 1, 2, 0]));
    await until(() => [silent, half].every((peer) => peer.ended || peer.closed !== undefined), "both are closed");
    assertEquals(refused.length, 2);
    listener.close();
  });
});

test("the limit of open files is read where the system tells it", () => {
  const text =
    "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 524288               files\n";
  assertEquals(
    [openFilesOf(text), openFilesOf("Max open files            unlimited"), openFilesOf("")],
    [1024, undefined, undefined],
  );
  assert((bunHost.openFiles() ?? 0) > 0);
});
