import { afterAll, beforeAll, describe, test } from "bun:test";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Browser, Page } from "playwright-core";
import { gatewayTo } from "../../conformance/support.ts";
import { RealWebSocketServer } from "../../conformance/ws.ts";
import { launch } from "../../console/browser.ts";
import type { GatewayProcess } from "../../helpers/gateway-process.ts";
import { needed } from "./compare.ts";
import { type RecordingPod, recordingPod } from "./recording-pod.ts";

const FIXTURES = join(import.meta.dir, "../../fixtures/tls");

let browser: Browser;
let pod: RecordingPod;
let server: Server;
let port: number;
const plain: GatewayProcess[] = [];
let secure: GatewayProcess;
let secureSockets: GatewayProcess;
/** What the last WebSocket negotiated with the server. */
let extensions = "";

beforeAll(async () => {
  needed("chromium");
  pod = await recordingPod();
  server = createServer((request, answer) => {
    if (request.url === "/events") {
      answer.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      return;
    }
    answer.writeHead(200, { "content-type": "text/html" }).end("<title>page</title>");
  });
  const wss = new RealWebSocketServer({ server, perMessageDeflate: { threshold: 0 } });
  wss.on("connection", (socket) => {
    extensions = socket.extensions;
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
  const tls = { cert_file: join(FIXTURES, "server.crt"), key_file: join(FIXTURES, "server.key") };
  plain.push(...(await Promise.all([gatewayTo([pod.port]), gatewayTo([port])])));
  secure = await gatewayTo([pod.port], { server: { tls } });
  secureSockets = await gatewayTo([port], { server: { tls } });
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  await Promise.all([...plain, secure, secureSockets].map((gateway) => gateway.stop()));
  pod.stop();
  server.closeAllConnections();
  server.close();
});

async function on<T>(origin: string, run: (page: Page) => Promise<T>): Promise<T> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  try {
    const page = await context.newPage();
    await page.goto(`${origin}/x`);
    return await run(page);
  } finally {
    await context.close();
  }
}

/** All that a script sees of some requests. */
const seen = (page: Page): Promise<unknown> =>
  page.evaluate(async () => {
    const results = [];
    const asks: [string, RequestInit][] = [
      ["/x", {}],
      ["/binary", {}],
      ["/binary", { method: "HEAD" }],
      ["/chunks", {}],
      ["/reason", {}],
      ["/204", {}],
      ["/large", {}],
      ["/close", {}],
      ["/x", { method: "POST", body: "abc".repeat(1000) }],
      ["/x", { method: "PUT", body: new Blob([new Uint8Array(3_000_000)]) }],
      ["/x", { method: "DELETE" }],
      ["/x", { method: "BREW", headers: { "X-One": "1" } }],
    ];
    for (const [path, init] of asks) {
      const answer = await fetch(path, { cache: "no-store", ...init });
      const data = await answer.arrayBuffer();
      const sum = [...new Uint8Array(await crypto.subtle.digest("SHA-256", data))].join();
      // An answer that came without a length may be given one, where it is there whole.
      const hop = path === "/chunks" || path === "/close" ? ["content-length"] : [];
      const left = ["connection", "keep-alive", "transfer-encoding", ...hop];
      const headers = [...answer.headers].filter(([name]) => !left.includes(name));
      results.push({ path, status: answer.status, text: answer.statusText, headers, size: data.byteLength, sum });
    }
    return results;
  });

/** HTTP/2 has no reasons. */
const withoutReasons = (results: unknown): unknown =>
  (results as { text: string }[]).map((result) => ({ ...result, text: "" }));

describe("a browser", () => {
  test("sees through the gateway what it sees of the pod, and the pod sees the same requests", async () => {
    pod.requests.length = 0;
    const direct = await on(`http://127.0.0.1:${pod.port}`, seen);
    const asked = pod.requests.map(({ line, size, sum }) => ({ line, size, sum }));
    pod.requests.length = 0;
    const through = await on(plain[0]!.url, seen);
    assertEquals(through, direct);
    assertEquals(
      pod.requests.map(({ line, size, sum }) => ({ line, size, sum })),
      asked,
    );
  });

  test("sees the same over HTTP/2 but reasons, which that has not", async () => {
    const local = (origin: string): string => origin.replace("127.0.0.1", "localhost");
    const direct = await on(local(`http://127.0.0.1:${pod.port}`), seen);
    const [results, protocol] = await on(local(secure.url), async (page) => [
      await seen(page),
      await page.evaluate(
        () => (performance.getEntriesByType("navigation")[0] as PerformanceResourceTiming).nextHopProtocol,
      ),
    ]);
    assertEquals(protocol, "h2");
    assertEquals(withoutReasons(results), withoutReasons(direct));
  });

  test("opens an event stream that has no event yet", async () => {
    const opened = await on(plain[1]!.url, (page) =>
      page.evaluate(
        () =>
          new Promise<string>((resolve) => {
            const events = new EventSource("/events");
            events.onopen = () => resolve("open");
            events.onerror = () => resolve("error");
            setTimeout(() => resolve(`state ${events.readyState}`), 10_000);
          }),
      ),
    );
    assertEquals(opened, "open");
  });

  test.each(["plain", "TLS, over HTTP/2 where the gateway offers that"])(
    "has a WebSocket whose messages the server and it compress: %s",
    async (way) => {
      extensions = "";
      const text = await on(way === "plain" ? plain[1]!.url : secureSockets.url, (page) =>
        page.evaluate(
          () =>
            new Promise<string>((resolve) => {
              const socket = new WebSocket(location.origin.replace("http", "ws"));
              socket.onopen = () => socket.send("z".repeat(100_000));
              socket.onmessage = ({ data }) => {
                socket.onclose = ({ code, wasClean }) =>
                  resolve(`${socket.extensions} ${data.length} ${code} ${wasClean}`);
                socket.close(4001, "done");
              };
              socket.onerror = () => resolve("error");
            }),
        ),
      );
      assertMatch(text, /^permessage-deflate.* 100000 4001 true$/);
      assert(extensions.includes("permessage-deflate"), extensions);
    },
  );
});
