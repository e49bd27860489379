import { describe, test } from "bun:test";
import { join } from "node:path";
import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { until } from "../helpers/wait.ts";
import { gatewayTo, lineOf, pair, statusOf } from "./websocket-pair.ts";
import { closing, field, frame, type RawSocket, rawSocket, rawSocketPod, switching } from "./websocket-raw.ts";

const fixture = (name: string): string => join(import.meta.dir, "../fixtures/tls", name);

describe("a WebSocket through the gateway", () => {
  test("echoes text and a binary message of 1 MB, both ways as they were", async () => {
    await using pod = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("no", { status: 400 })),
      websocket: { message: (socket, message) => void socket.send(message) },
    });
    await using gateway = await gatewayTo([pod.port!]);
    const socket = new WebSocket(gateway.url.replace("http", "ws"));
    socket.binaryType = "arraybuffer";
    const got: (string | ArrayBuffer)[] = [];
    socket.onmessage = ({ data }) => void got.push(data);
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    const large = crypto.getRandomValues(new Uint8Array(65_536));
    const megabyte = new Uint8Array(1 << 20).map((_, i) => large[i % large.length]! ^ (i >> 16));
    for (const message of ["", "grüße \u{1f9ea} \ufeff", megabyte]) socket.send(message);
    await until(() => got.length === 3, { message: "three echoes" });
    socket.close(1000);
    assertEquals(got.slice(0, 2), ["", "grüße \u{1f9ea} \ufeff"]);
    assert(Buffer.from(got[2] as ArrayBuffer).equals(megabyte));
  });

  test("has the subprotocol that the upstream chose, or none where it chose none", async () => {
    using pod = await rawSocketPod((head, accept) =>
      switching(accept, ...(head.includes("/some") ? ["Sec-WebSocket-Protocol: chat.v2"] : [])),
    );
    await using gateway = await gatewayTo([pod.port]);
    const offer = ["Sec-WebSocket-Protocol: chat.v1, chat.v2"];
    const [some, none] = [await rawSocket(gateway.url, "/some", offer), await rawSocket(gateway.url, "/none", offer)];
    assertEquals([statusOf(some), field(some.head, "sec-websocket-protocol")], [101, "chat.v2"]);
    assertEquals([statusOf(none), field(none.head, "sec-websocket-protocol")], [101, undefined]);
    assertEquals(field((await pod.socket()).head, "sec-websocket-protocol"), "chat.v1, chat.v2");
  });

  test("carries frames as they are: fragments, pings and their answers, masks", async () => {
    await using ends = await pair();
    const { client, upstream } = ends;
    client.send(frame(1, "fra", { fin: false }), frame(9, "p"), frame(0, "gmented"));
    await upstream.next(0);
    assertEquals(
      upstream.frames.map(({ opcode, fin, masked, payload }) => [opcode, fin, masked, payload.toString()]),
      [
        [1, false, true, "fra"],
        [9, true, true, "p"],
        [0, true, true, "gmented"],
      ],
    );
    upstream.send(frame(10, "p", { masked: false }), frame(2, "a", { masked: false }));
    await client.next(2);
    assertEquals(
      client.frames.map(({ opcode, masked, payload }) => [opcode, masked, payload.toString()]),
      [
        [10, false, "p"],
        [2, false, "a"],
      ],
    );
  });

  test("leaves extensions to the two ends", async () => {
    const offered = "permessage-deflate; client_max_window_bits";
    using pod = await rawSocketPod((_head, accept) =>
      switching(accept, "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"),
    );
    await using gateway = await gatewayTo([pod.port]);
    const client = await rawSocket(gateway.url, "/", [`Sec-WebSocket-Extensions: ${offered}`]);
    assertEquals(field((await pod.socket()).head, "sec-websocket-extensions"), offered);
    assertEquals(field(client.head, "sec-websocket-extensions"), "permessage-deflate; server_no_context_takeover");
  });

  test("carries a message of 64 MB", async () => {
    await using ends = await pair();
    const size = 64 << 20;
    let got = 0;
    ends.client.socket.removeAllListeners("data");
    ends.client.socket.on("data", (data: Buffer) => {
      got += data.length;
    });
    ends.upstream.send(frame(2, Buffer.alloc(size, 7), { masked: false }));
    await until(() => got === size + 10, { timeout: 20_000, message: () => `${got} of ${size} bytes` });
  });

  test("takes frames that the upstream sends together with its answer", async () => {
    using pod = await rawSocketPod(
      (_head, accept) => switching(accept) + frame(1, "hello", { masked: false }).toString("latin1"),
    );
    await using gateway = await gatewayTo([pod.port]);
    const client = await rawSocket(gateway.url);
    assertEquals((await client.next(1)).payload.toString(), "hello");
  });
});

describe("the end of a WebSocket", () => {
  const cases: readonly [name: string, frame: (masked: boolean) => Buffer | undefined, ending: [number, string]][] = [
    ["1000", (masked) => frame(8, closing(1000), { masked }), [1000, ""]],
    ["1001", (masked) => frame(8, closing(1001, "going"), { masked }), [1001, "going"]],
    ["1011", (masked) => frame(8, closing(1011, "it broke"), { masked }), [1011, "it broke"]],
    ["4001", (masked) => frame(8, closing(4001, "reason ü"), { masked }), [4001, "reason ü"]],
    ["no code", (masked) => frame(8, "", { masked }), [1005, ""]],
    ["no close frame", () => undefined, [1006, ""]],
  ];
  const end = (socket: RawSocket, bytes: Buffer | undefined): void => {
    if (bytes === undefined) socket.socket.destroy();
    else socket.send(bytes);
  };

  for (const [name, bytes, ending] of cases) {
    test(`with ${name} by the client reaches the upstream`, async () => {
      await using ends = await pair();
      end(ends.client, bytes(true));
      assertEquals(await ends.upstream.ending(), ending);
      ends.upstream.socket.end();
      await until(() => ends.client.closed(), { message: "the client's connection ends" });
    });

    test(`with ${name} by the upstream reaches the client`, async () => {
      await using ends = await pair();
      end(ends.upstream, bytes(false));
      assertEquals(await ends.client.ending(), ending);
      ends.client.socket.end();
      await until(() => ends.upstream.closed(), { message: "the pod's connection ends" });
    });
  }

  test("passes with every code that there may be, and the longest reason", async () => {
    using pod = await rawSocketPod();
    await using gateway = await gatewayTo([pod.port]);
    const reason = "x".repeat(123);
    const codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999];
    for (const [index, code] of codes.entries()) {
      const down = await rawSocket(gateway.url);
      (await pod.socket(index * 2)).send(frame(8, closing(code, reason), { masked: false }));
      assertEquals(await down.ending(), [code, reason]);
      const up = await rawSocket(gateway.url);
      const upstream = await pod.socket(index * 2 + 1);
      up.send(frame(8, closing(code, reason)));
      assertEquals(await upstream.ending(), [code, reason]);
    }
  });

  test("comes after `timeouts.idle` where that is set, and not by the time-out of the handshake", async () => {
    await using ends = await pair({ timeouts: { response: 100, idle: 1500 } });
    const { client, upstream } = ends;
    for (let i = 0; i < 3; i++) {
      client.send(frame(1, `${i}`));
      await upstream.next(1, i);
      await Bun.sleep(150);
    }
    assertEquals(client.frames.length, 0);
    assertEquals(
      [await client.ending(), await upstream.ending()],
      [
        [1006, ""],
        [1006, ""],
      ],
    );
  });
});

describe("WebSockets among other requests", () => {
  test("have one line in the access log when they end: 101, how long, and the bytes to the client", async () => {
    await using ends = await pair({ id: "chat" }, "/logged");
    ends.upstream.send(frame(1, "größe", { masked: false }), frame(2, Buffer.alloc(1000), { masked: false }));
    await ends.client.next(2);
    assertEquals(
      ends.gateway.stdout.filter((line) => line.includes("/logged")),
      [],
    );
    ends.client.socket.end(frame(8, closing(1000)));
    const line = await lineOf(ends.gateway, "/logged");
    const { status, upstream_status, bytes, route, tries, error } = line;
    assertEquals([status, upstream_status, bytes, route, tries, error], [101, 101, 1013, "chat", 1, null]);
    assertGreater(line.duration_ms as number, line.upstream_ms as number);
  });

  test("have who broke off in their line of the access log", async () => {
    await using one = await pair({}, "/client");
    one.client.socket.resetAndDestroy();
    assertEquals((await lineOf(one.gateway, "/client")).error, "client_gone");
    await using two = await pair({}, "/upstream");
    two.upstream.socket.resetAndDestroy();
    assertEquals((await lineOf(two.gateway, "/upstream")).error, "upstream_reset");
  });

  test("count as in flight for `least_requests` as long as they are open", async () => {
    using one = await rawSocketPod();
    using two = await rawSocketPod();
    await using gateway = await gatewayTo([one.port, two.port], { balancer: "least_requests" });
    for (let i = 0; i < 12; i++) assertEquals(statusOf(await rawSocket(gateway.url)), 101);
    assertEquals([one.sockets.length, two.sockets.length], [6, 6]);
  });

  test("are cut off when the drain time is over, and the gateway ends fine", async () => {
    using pod = await rawSocketPod();
    await using gateway = await gatewayTo([pod.port], {}, { drain: 200 });
    const client = await rawSocket(gateway.url, "/drained");
    const upstream = await pod.socket();
    const code = gateway.stop();
    client.send(frame(1, "still here"));
    await upstream.next(1);
    assertEquals([(await client.ending())[0], (await upstream.ending())[0]], [1006, 1006]);
    const { status, error } = await lineOf(gateway, "/drained");
    assertEquals([await code, status, error], [0, 101, "draining"]);
  });

  test("hold up a stopping gateway no longer than they are open", async () => {
    using pod = await rawSocketPod();
    await using gateway = await gatewayTo([pod.port], {}, { drain: 120_000 });
    const client = await rawSocket(gateway.url);
    const code = gateway.stop();
    client.socket.end(frame(8, closing(1000)));
    assertEquals(await code, 0);
  });

  test("come in by TLS as well, also where HTTP/2 is on, and the upstream is told so", async () => {
    using pod = await rawSocketPod();
    const tls = { cert_file: fixture("server.crt"), key_file: fixture("server.key") };
    await using gateway = await gatewayTo([pod.port], {}, { tls });
    const options: Bun.WebSocketOptions = { tls: { ca: await Bun.file(fixture("ca.crt")).text() } };
    // The DOM's types, where they are loaded too, know no options.
    const socket = new WebSocket(gateway.url.replace("https", "wss"), options as string[]);
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    socket.send("hello");
    const upstream = await pod.socket();
    assertEquals((await upstream.next(1)).payload.toString(), "hello");
    assertEquals(field(upstream.head, "x-forwarded-proto"), "https");
    socket.close();
  });

  test("go to upstreams with TLS by `scheme: https`, verified with the route's `upstream_tls`", async () => {
    await using pod = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      tls: { cert: Bun.file(fixture("server.crt")), key: Bun.file(fixture("server.key")) },
      fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("no", { status: 400 })),
      websocket: { message: (socket, message) => void socket.send(`tls ${message}`) },
    });
    const ca = { ca_file: fixture("ca.crt") };
    await using gateway = await gatewayTo([pod.port!], { scheme: "https", upstream_tls: ca });
    const client = await rawSocket(gateway.url);
    assertEquals(statusOf(client), 101);
    client.send(frame(1, "hello"));
    assertEquals((await client.next(1)).payload.toString(), "tls hello");
    await using other = await gatewayTo([pod.port!], {
      scheme: "https",
      upstream_tls: { ca_file: fixture("other-ca.crt") },
    });
    assertEquals(statusOf(await rawSocket(other.url)), 502);
    await using named = await gatewayTo([pod.port!], {
      scheme: "https",
      upstream_tls: { ...ca, server_name: "elsewhere.test" },
    });
    assertEquals(statusOf(await rawSocket(named.url)), 502);
    assertStringIncludes(named.stderr.join("\n"), "certificate is for other names");
  });
});
