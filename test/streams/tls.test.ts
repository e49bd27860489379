import { afterAll, beforeAll, describe, test } from "bun:test";
import { once } from "node:events";
import { copyFile, readFile } from "node:fs/promises";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from "node:tls";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { logged } from "../gateway/support.ts";
import { type Authority, type CertificateFiles, createAuthority } from "../helpers/certificates.ts";
import { until, untilStill } from "../helpers/wait.ts";
import { client, echo, ON_DENO, serveStreams, upstream } from "./support.ts";

let trusted: Authority;
let stranger: Authority;
let pod: CertificateFiles;
const closers: (() => void)[] = [];

beforeAll(async () => {
  [trusted, stranger] = await Promise.all([createAuthority("trusted"), createAuthority("stranger")]);
  pod = await trusted.issue("pod", ["DNS:db.internal", "IP:127.0.0.1"]);
});
afterAll(async () => {
  for (const close of closers) close();
  await Promise.all([trusted, stranger].map((authority) => authority[Symbol.asyncDispose]()));
});

/** An upstream that speaks TLS. It gives back what it gets, after its name. */
async function tlsUpstream(name: string, options: TlsOptions = {}): Promise<{ host: string; port: number }> {
  const [cert, key] = await Promise.all([readFile(pod.cert), readFile(pod.key)]);
  const server = createServer({ cert, key, allowHalfOpen: true, ...options }, (socket: TLSSocket) => {
    socket.on("error", () => {});
    echo(socket, name);
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

/** A TLS client: what it received, and the names in the certificate it was shown. */
async function tlsClient(port: number, options: ConnectionOptions = {}) {
  const ca = await readFile(trusted.ca);
  const socket = connect({ host: "127.0.0.1", port, ca, allowHalfOpen: true, ...options } as ConnectionOptions);
  let text = "";
  socket.on("data", (bytes: Uint8Array) => {
    text += new TextDecoder().decode(bytes);
  });
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  return {
    socket,
    names: socket.getPeerCertificate().subjectaltname ?? "",
    got: (wanted: string) => until(() => text.includes(wanted), { message: () => `${wanted} in ${text}` }),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

describe("a stream with tls", () => {
  test("takes TLS from clients, and passes on what is in it, ends of a direction too", async () => {
    const files = await trusted.issue("front", ["DNS:db.example.org"]);
    await using one = await upstream("one");
    const tls = { cert_file: files.cert, key_file: files.key };
    await using streams = await serveStreams([{ nodes: [one.node], tls }]);
    using peer = await tlsClient(await streams.port("s"), { servername: "db.example.org" });
    await peer.got("one\n");
    peer.socket.end("hello");
    await peer.got("one\nhello");
    await until(() => peer.socket.closed, { message: "the connection ends" });
    const line = await streams.line();
    assertEquals([line.bytes_up, line.bytes_down, line.error], [5, 9, null]);
  });

  // Deno keeps a connection open whose handshake never comes, though it is closed.
  test.skipIf(ON_DENO)(
    "a client that begins no handshake counts as a connection from the moment it is taken",
    async () => {
      const files = await trusted.issue("front", ["DNS:db.example.org"]);
      await using one = await upstream("one");
      const tls = { cert_file: files.cert, key_file: files.key };
      await using streams = await serveStreams([{ nodes: [one.node], tls, max_connections: 2 }]);
      const port = await streams.port("s");
      using first = await client(port);
      using _second = await client(port);
      using third = await client(port);
      await until(() => third.closed !== undefined || third.ended, { message: "the third is closed" });
      assertEquals([first.closed, first.ended], [undefined, false]);
      first.socket.destroy();
      // A client that is cut off at its handshake fails only where it closes as the other end does.
      const options = { servername: "db.example.org", allowHalfOpen: false };
      const attempt = () => tlsClient(port, options).catch(() => undefined);
      using peer = await until(attempt, { message: "its place is free again" });
      await peer.got("one\n");
    },
  );

  test.skipIf(ON_DENO)(
    "shows the certificate of the name a client asks for, and the first one to those who ask for none",
    async () => {
      const a = await trusted.issue("a", ["DNS:a.example.org"]);
      const b = await trusted.issue("b", ["DNS:*.b.example.org"]);
      const tls = [a, b].map(({ cert, key }) => ({ cert_file: cert, key_file: key }));
      await using one = await upstream("one");
      await using streams = await serveStreams([{ nodes: [one.node], tls }]);
      const port = await streams.port("s");
      const shown = async (servername: string): Promise<string> => {
        using peer = await tlsClient(port, { servername, checkServerIdentity: () => undefined });
        return peer.names;
      };
      assertEquals(await shown("a.example.org"), "DNS:a.example.org");
      assertEquals(await shown("x.b.example.org"), "DNS:*.b.example.org");
      assertEquals(await shown("x.y.b.example.org"), "DNS:a.example.org");
      assertEquals(await shown(""), "DNS:a.example.org");
    },
  );

  test("goes over to changed certificate files, and leaves connections alone", async () => {
    const [old, young] = [
      await trusted.issue("old", ["DNS:old.test"]),
      await trusted.issue("young", ["DNS:young.test"]),
    ];
    const live = { cert: join(trusted.folder, "live.crt"), key: join(trusted.folder, "live.key") };
    await copyFile(old.key, live.key);
    await copyFile(old.cert, live.cert);
    await using one = await upstream("one");
    const tls = { cert_file: live.cert, key_file: live.key };
    await using streams = await serveStreams([{ nodes: [one.node], tls }]);
    const port = await streams.port("s");
    const any = { checkServerIdentity: () => undefined };
    using before = await tlsClient(port, any);
    assertEquals(before.names, "DNS:old.test");
    await copyFile(young.key, live.key);
    await copyFile(young.cert, live.cert);
    await until(
      async () => {
        using peer = await tlsClient(port, any);
        return peer.names === "DNS:young.test";
      },
      { message: "the new certificate" },
    );
    before.socket.write("still here");
    await before.got("still here");
  });

  test("counts and survives what is no TLS", async () => {
    const files = await trusted.issue("front2", ["DNS:db.example.org"]);
    await using one = await upstream("one");
    const tls = { cert_file: files.cert, key_file: files.key };
    await using streams = await serveStreams([{ nodes: [one.node], tls }]);
    const port = await streams.port("s");
    using plain = await client(port);
    plain.socket.write("GET / HTTP/1.1\r\n\r\n");
    await until(() => plain.closed !== undefined || plain.ended, { message: "it is closed" });
    assertEquals(one.taken.length, 0);
    using peer = await tlsClient(port, { servername: "db.example.org" });
    await peer.got("one\n");
  });

  test("keeps the gateway from starting where its certificate cannot be read, with exit code 2", async () => {
    const tls = { cert_file: "/no/such.crt", key_file: "/no/such.key" };
    const error = await serveStreams([{ nodes: [{ host: "127.0.0.1", port: 1 }], tls }]).then(
      () => undefined,
      (cause: Error) => cause,
    );
    assertStringIncludes(error!.message, "exit code 2");
    assertStringIncludes(error!.message, "streams: s: tls: cert_file: cannot read /no/such.crt");
  });
});

describe("a stream with upstream_tls", () => {
  test("speaks TLS to its upstream, with the authority and the name it is given", async () => {
    const node = await tlsUpstream("secret");
    const upstream_tls = { ca_file: trusted.ca, server_name: "db.internal" };
    await using streams = await serveStreams([{ nodes: [node], upstream_tls }]);
    using peer = await client(await streams.port("s"));
    await peer.got("secret\n");
    peer.socket.end("x".repeat(300_000));
    await until(() => peer.closed === "", { message: "the connection ends" });
    assertEquals(peer.text.length, "secret\n".length + 300_000);
  });

  test.each([
    ["signed by a stranger", () => ({ ca_file: stranger.ca, server_name: "db.internal" })],
    ["of another name", () => ({ ca_file: trusted.ca, server_name: "other.internal" })],
    ["that nobody trusts", () => ({})],
  ])("does not send a byte to an upstream with a certificate %s", async (_what, upstream_tls) => {
    const node = await tlsUpstream("secret");
    await using streams = await serveStreams([{ nodes: [node], upstream_tls: upstream_tls() }]);
    using peer = await client(await streams.port("s"));
    await until(() => peer.closed === "ECONNRESET", { message: () => `it is broken; ${peer.closed} ${peer.text}` });
    assertEquals((await streams.line()).error, "connect");
    assertStringIncludes(await logged(streams.gateway, "did not take a connection"), "certificate");
  });

  test("shows its own certificate to an upstream that asks for one", async () => {
    const own = await trusted.issue("gateway", ["DNS:gateway.internal"]);
    const ca = await readFile(trusted.ca);
    const node = await tlsUpstream("members only", { requestCert: true, rejectUnauthorized: true, ca });
    const upstream_tls = { ca_file: trusted.ca, cert_file: own.cert, key_file: own.key };
    await using streams = await serveStreams([{ nodes: [node], upstream_tls }]);
    using peer = await client(await streams.port("s"));
    await peer.got("members only\n");
  });

  test("is not checked where verify is false, which Deno refuses in words", async () => {
    const node = await tlsUpstream("any");
    await using streams = await serveStreams([{ nodes: [node], upstream_tls: { verify: false } }]);
    using peer = await client(await streams.port("s"));
    if (ON_DENO) await logged(streams.gateway, "Deno cannot leave one server's certificate unchecked");
    else await peer.got("any\n");
  });

  test("stops reading from the upstream where the client does not take it", async () => {
    let sent = 0;
    const piece = Buffer.alloc(1 << 20);
    const [cert, key] = await Promise.all([readFile(pod.cert), readFile(pod.key)]);
    const server = createServer({ cert, key }, (socket) => {
      socket.on("error", () => {});
      const more = (): void => {
        while (sent < 200) {
          sent++;
          if (!socket.write(piece)) return void socket.once("drain", more);
        }
      };
      more();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closers.push(() => server.close());
    const node = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
    await using streams = await serveStreams([{ nodes: [node], upstream_tls: { ca_file: trusted.ca } }]);
    using peer = await client(await streams.port("s"));
    peer.socket.pause();
    await until(() => sent > 0, "something is sent");
    await untilStill(() => sent, 300);
    assert(sent < 100, `${sent} MB were taken`);
    peer.socket.resetAndDestroy();
  });
});

describe("proxy_protocol", () => {
  const first = (socket: Socket): void => void socket.once("data", (bytes) => socket.end(bytes));

  test.each(["v1", "v2"] as const)("%s tells the upstream who the client is, before anything else", async (version) => {
    await using one = await upstream("one", first);
    await using streams = await serveStreams([{ nodes: [one.node], proxy_protocol: version }]);
    const port = await streams.port("s");
    using peer = await client(port);
    const { localPort } = peer.socket;
    await until(() => peer.ended, { message: "the header" });
    if (version === "v1") {
      assertEquals(peer.text, `PROXY TCP4 127.0.0.1 127.0.0.1 ${localPort} ${port}\r\n`);
    } else {
      const bytes = Buffer.from(peer.text, "latin1");
      assertEquals(bytes.subarray(0, 16).toString("hex"), "0d0a0d0a000d0a515549540a2111000c");
      assertEquals([...bytes.subarray(16, 24)], [127, 0, 0, 1, 127, 0, 0, 1]);
      assertEquals([bytes.readUInt16BE(24), bytes.readUInt16BE(26)], [localPort!, port]);
    }
    peer.socket.end();
  });

  test("comes before TLS", async () => {
    let seen = "";
    await using one = await upstream("one", (socket) => {
      socket.on("data", (bytes) => {
        seen += bytes.toString("latin1");
      });
    });
    const more = { proxy_protocol: "v1", upstream_tls: { ca_file: trusted.ca }, timeouts: { connect: 500 } };
    await using streams = await serveStreams([{ nodes: [one.node], ...more }]);
    using peer = await client(await streams.port("s"));
    // A handshake record follows the header (RFC 8446 section 5.1), and nobody answers it.
    const header = `PROXY TCP4 127.0.0.1 127.0.0.1 ${peer.socket.localPort} ${peer.socket.remotePort}\r\n\x16\x03`;
    await until(() => seen.startsWith(header), { message: () => JSON.stringify(seen.slice(0, 80)) });
    assertEquals((await streams.line()).error, "connect_timeout");
  });
});
