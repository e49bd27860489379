import { afterAll, beforeAll, describe, test } from "bun:test";
import { copyFile, writeFile } from "node:fs/promises";
import * as http2 from "node:http2";
import { join } from "node:path";
import * as tls from "node:tls";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Authority, type CertificateFiles, createAuthority } from "../../helpers/certificates.ts";
import { type GatewayProcess, runCommand, startGateway } from "../../helpers/gateway-process.ts";
import { until } from "../../helpers/wait.ts";

/** A pod: `/drip` answers in pieces as it is told to, `/long` without a length, everything else with what it got. */
const drips = new Map<string, ReadableStreamDefaultController<string>>();
const pod = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request, server) {
    const url = new URL(request.url);
    if (request.headers.get("upgrade") === "websocket" && server.upgrade(request)) return undefined as never;
    if (url.pathname === "/drip") {
      const body = new ReadableStream<string>({ start: (controller) => void drips.set(url.search, controller) });
      return new Response(body as never, { headers: { "keep-alive": "timeout=5", connection: "keep-alive" } });
    }
    if (url.pathname === "/upload") return new Response(`${(await request.bytes()).length}`);
    return Response.json({ url: url.pathname + url.search, headers: Object.fromEntries(request.headers) });
  },
  websocket: { message: (socket, message) => void socket.send(message) },
});
afterAll(() => pod.stop(true));

const routes = [{ path: "/", nodes: [{ host: "127.0.0.1", port: pod.port }] }];
const listen = "127.0.0.1:0";
const config = (server: object) => ({ server: { listen, access_log: false, ...server }, admin: false, routes });
const entry = ({ cert, key }: CertificateFiles) => ({ cert_file: cert, key_file: key });

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});
afterAll(() => authority[Symbol.asyncDispose]());

/** Runs curl against a gateway; what it wrote. */
async function curl(...args: string[]): Promise<string> {
  const child = Bun.spawn(["curl", "-s", "--max-time", "10", "--cacert", authority.ca, ...args], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [text, error, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`curl ended with ${code}: ${error}`);
  return text;
}

/** A port nobody listens on just now. */
function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  listener.stop(true);
  return listener.port;
}

const portOf = (gateway: GatewayProcess): number => Number(new URL(gateway.url).port);

/** The common name of the certificate a client gets that asks for `servername`. */
function nameShown(gateway: GatewayProcess, servername?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: portOf(gateway), rejectUnauthorized: false };
    const socket = tls.connect({ ...options, ...(servername !== undefined && { servername }) }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("a gateway with a certificate", () => {
  let gateway: GatewayProcess;
  beforeAll(async () => {
    const own = await authority.issue("own", ["DNS:localhost", "IP:127.0.0.1"]);
    gateway = await startGateway({ config: config({ tls: entry(own) }) });
  });
  afterAll(() => gateway.stop());

  test.each(["--http1.1", "--http2"])("tells its pods that the client came by https (curl %s)", async (version) => {
    const text = await curl(version, "-w", " %{http_version}", `${gateway.url}/a?b=%2F`);
    const end = text.lastIndexOf(" ");
    assertEquals(text.slice(end + 1), version === "--http2" ? "2" : "1.1");
    const { url, headers } = JSON.parse(text.slice(0, end)) as { url: string; headers: Record<string, string> };
    assertEquals([url, headers["x-forwarded-proto"]], ["/a?b=%2F", "https"]);
    assertEquals([headers.host, headers["x-forwarded-host"]], [gateway.url.slice(8), gateway.url.slice(8)]);
    assertEquals(headers["x-forwarded-for"], "127.0.0.1");
  });

  test("carries WebSockets", async () => {
    const socket = new WebSocket(gateway.url.replace("https", "wss"), {
      tls: { ca: await Bun.file(authority.ca).text() },
    } as never);
    const echoed = new Promise((resolve, reject) => {
      socket.onopen = () => socket.send("hello");
      socket.onmessage = ({ data }) => resolve(data);
      socket.onerror = () => reject(new Error("no WebSocket"));
    });
    assertEquals(await echoed, "hello");
    socket.close();
  });

  describe("over HTTP/2", () => {
    let session: http2.ClientHttp2Session;
    beforeAll(async () => {
      session = http2.connect(gateway.url, { ca: await Bun.file(authority.ca).text() });
    });
    afterAll(() => session.close());

    function ask(headers: http2.OutgoingHttpHeaders, body?: string | Uint8Array) {
      const stream = session.request(headers, { endStream: body === undefined });
      if (body !== undefined) stream.end(body);
      const answered = new Promise<http2.IncomingHttpHeaders>((resolve, reject) => {
        stream.on("response", resolve);
        stream.on("error", reject);
      });
      const ended = (async () => {
        let text = "";
        for await (const chunk of stream) text += String(chunk);
        return text;
      })();
      return { stream, answered, ended };
    }

    test("answers come piece by piece, without the fields that are HTTP/1.1's alone", async () => {
      const { stream, answered } = ask({ ":path": "/drip?h2" });
      const pieces: string[] = [];
      stream.on("data", (piece) => pieces.push(String(piece)));
      const drip = await until(() => drips.get("?h2"), { message: "the pod was not asked" });
      for (const piece of ["one", "two"]) {
        drip.enqueue(piece);
        await until(() => pieces.at(-1) === piece, { message: `no ${piece}` });
      }
      drip.close();
      const headers = await answered;
      for (const name of ["connection", "keep-alive", "transfer-encoding"])
        assertEquals(headers[name], undefined, name);
    });

    test("an answer to HEAD without a length stays without one", async () => {
      const { answered } = ask({ ":method": "HEAD", ":path": "/drip?head" });
      const headers = await answered;
      assertEquals(
        [headers[":status"], headers["content-length"], headers["transfer-encoding"]],
        [200, undefined, undefined],
      );
    });

    test("uploads and many streams of one connection go through", async () => {
      const body = new Uint8Array(300_000);
      const uploads = await Promise.all(
        Array.from({ length: 20 }, () => ask({ ":method": "POST", ":path": "/upload" }, body).ended),
      );
      assertEquals(new Set(uploads), new Set(["300000"]));
    });

    test("cookies that come in pieces are one field for the pod", async () => {
      const { ended } = ask({ ":path": "/", cookie: ["a=1", "b=2"] });
      const { headers } = JSON.parse(await ended) as { headers: Record<string, string> };
      assertEquals(headers.cookie, "a=1; b=2");
    });

    test("the pod sees the authority as its host", async () => {
      const { ended } = ask({ ":path": "/", ":authority": "shop.example.org" });
      const { headers } = JSON.parse(await ended) as { headers: Record<string, string> };
      assertEquals([headers.host, headers["x-forwarded-host"]], ["shop.example.org", "shop.example.org"]);
    });
  });
});

test("without http2 no client gets HTTP/2", async () => {
  const own = await authority.issue("plain", ["IP:127.0.0.1"]);
  await using gateway = await startGateway({ config: config({ tls: entry(own), http2: false }) });
  assertEquals(await curl("--http2", "-o", "/dev/null", "-w", "%{http_version}", gateway.url), "1.1");
});

test("of several certificates each client gets the one of the host it asks for", async () => {
  const [first, shop, wild] = await Promise.all([
    authority.issue("first", ["DNS:first.test", "IP:127.0.0.1"]),
    authority.issue("shop", ["DNS:shop.test", "DNS:www.shop.test"]),
    authority.issue("wild", ["DNS:*.wild.test"]),
  ]);
  const renamed = await authority.issue("renamed", ["DNS:other.test"]);
  const list = [entry(first), entry(shop), entry(wild), { ...entry(renamed), server_name: "Named.test" }];
  await using gateway = await startGateway({ config: config({ tls: list }) });
  const shown = async (name?: string) => nameShown(gateway, name);
  assertEquals(await shown("first.test"), "first");
  assertEquals([await shown("shop.test"), await shown("www.shop.test")], ["shop", "shop"]);
  assertEquals([await shown("a.wild.test"), await shown("named.test")], ["wild", "renamed"]);
  assertEquals([await shown("unknown.test"), await shown()], ["first", "first"]);
});

test("redirect_http sends clients to the same URL with https", async () => {
  const port = freePort();
  const own = await authority.issue("redirected", ["IP:127.0.0.1"]);
  await using gateway = await startGateway({ config: config({ tls: entry(own), redirect_http: port }) });
  const answer = await fetch(`http://127.0.0.1:${port}/a%2Fb?c=d&e`, { method: "POST", body: "x", redirect: "manual" });
  assertEquals([answer.status, answer.headers.get("location")], [308, `${gateway.url}/a%2Fb?c=d&e`]);
  const mapped = await fetch(`http://127.0.0.1:${port}/x`, { headers: { host: "shop.test" }, redirect: "manual" });
  assertEquals(mapped.headers.get("location"), "https://shop.test/x");
});

describe("a certificate that cannot be served with keeps the gateway from starting, with exit code 2", () => {
  const start = async (entries: object): Promise<string> => {
    const file = join(authority.folder, "bad.yaml");
    await writeFile(file, JSON.stringify(config({ tls: entries })));
    const { code, stderr } = await runCommand(["--config", file]);
    assertEquals(code, 2, stderr);
    return stderr;
  };

  test("a file that is not there", async () => {
    const { key } = await authority.issue("lost", ["DNS:lost.test"]);
    const told = await start({ cert_file: "/nowhere/tls.crt", key_file: key });
    assertStringIncludes(told, "server.tls: cert_file: cannot read /nowhere/tls.crt: there is no such file");
  });

  test("a file of something else", async () => {
    const { key } = await authority.issue("swapped", ["DNS:swapped.test"]);
    assertStringIncludes(
      await start({ cert_file: key, key_file: key }),
      `cert_file ${key} holds no certificate in PEM`,
    );
  });

  test("a key of another certificate", async () => {
    const [one, two] = [await authority.issue("one", ["DNS:1.test"]), await authority.issue("two", ["DNS:2.test"])];
    const told = await start({ cert_file: one.cert, key_file: two.key });
    assertStringIncludes(told, `key_file ${two.key} is not the key of the certificate`);
  });
});

test("a changed certificate reaches new connections and cuts none; an invalid one changes nothing", async () => {
  const [before, after] = await Promise.all([
    authority.issue("before", ["DNS:localhost", "IP:127.0.0.1"]),
    authority.issue("after", ["DNS:localhost", "IP:127.0.0.1"]),
  ]);
  const live = { cert: join(authority.folder, "live.crt"), key: join(authority.folder, "live.key") };
  await copyFile(before.cert, live.cert);
  await copyFile(before.key, live.key);
  await using gateway = await startGateway({ config: config({ tls: entry(live) }) });
  const ca = await Bun.file(authority.ca).text();

  const streamed = curl("--http2", `${gateway.url}/drip?reload`);
  const drip = await until(() => drips.get("?reload"), { message: "the pod was not asked" });
  drip.enqueue("begun, ");
  const socket = new WebSocket(gateway.url.replace("https", "wss"), { tls: { ca } } as never);
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
  let busy = true;
  let done = 0;
  const faults: unknown[] = [];
  const clients = Array.from({ length: 4 }, async () => {
    while (busy) {
      try {
        const answer = await fetch(gateway.url, { tls: { ca } } as RequestInit);
        assertEquals(answer.status, 200);
        await answer.text();
        done++;
      } catch (error) {
        faults.push(error);
      }
    }
  });

  await writeFile(live.cert, "no certificate");
  await until(() => gateway.stderr.some((line) => line.includes("the certificates before stay in force")), {
    message: () => gateway.stderr.join("\n"),
  });
  assertEquals(await nameShown(gateway), "before");

  await copyFile(after.key, live.key);
  await copyFile(after.cert, live.cert);
  await until(async () => (await nameShown(gateway)) === "after", { message: "no new certificate" });
  // The listener before goes once its time is over; from then on nobody gets the old one.
  const names = async () => new Set(await Promise.all(Array.from({ length: 16 }, () => nameShown(gateway))));
  await until(async () => (await names()).size === 1, { message: "two certificates", interval: 200 });
  assertEquals(await names(), new Set(["after"]));

  busy = false;
  await Promise.all(clients);
  assertEquals(faults, []);
  assert(done > 50, `${done} requests`);

  drip.enqueue("done");
  drip.close();
  assertEquals(await streamed, "begun, done");
  const echoed = new Promise((resolve) => {
    socket.onmessage = ({ data }) => resolve(data);
  });
  socket.send("still here");
  assertEquals(await echoed, "still here");
  socket.close();
});
