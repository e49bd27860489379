import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { closedPort } from "../helpers/closed-port.ts";
import { until } from "../helpers/wait.ts";
import { rawClient } from "./helpers.ts";
import { gatewayTo, lineOf, pair, statusOf } from "./websocket-pair.ts";
import { field, frame, handshake, rawSocket, rawSocketPod, switching } from "./websocket-raw.ts";

describe("a WebSocket handshake", () => {
  test("that the upstream refuses is answered with that refusal: status, headers, body", async () => {
    const answers: Record<string, string> = {
      "/401":
        "HTTP/1.1 401 No\r\nwww-authenticate: Basic\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 5\r\n\r\nlogin",
      "/404":
        "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\nconnection: close, x-hop\r\nx-hop: 1\r\n\r\n4\r\nlost\r\n0\r\n\r\n",
      "/503": "HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nbusy",
      "/204": "HTTP/1.1 204 No Content\r\nx-a: b\r\n\r\n",
      "/302": "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n",
    };
    using pod = await rawSocketPod((head) => answers[head.split(" ")[1]!]);
    await using gateway = await gatewayTo([pod.port]);
    const ask = (path: string): Promise<Response> =>
      gateway.fetch(path, {
        headers: {
          connection: "Upgrade",
          upgrade: "websocket",
          "sec-websocket-version": "13",
          "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
      });
    const refused = await ask("/401");
    assertEquals([refused.status, await refused.text()], [401, "login"]);
    assertEquals(refused.headers.get("www-authenticate"), "Basic");
    assertEquals(refused.headers.getSetCookie(), ["a=1", "b=2"]);
    const lost = await ask("/404");
    assertEquals([lost.status, await lost.text(), lost.headers.get("x-hop")], [404, "lost", null]);
    const busy = await ask("/503");
    assertEquals([busy.status, await busy.text(), busy.headers.get("retry-after")], [503, "busy", "7"]);
    const empty = await ask("/204");
    assertEquals([empty.status, empty.headers.get("x-a")], [204, "b"]);
    const moved = await ask("/302");
    assertEquals([moved.status, moved.headers.get("location")], [302, "/elsewhere"]);
    await until(() => pod.sockets.every((socket) => socket.closed()), { message: "no refused connection stays open" });
    assertEquals((await lineOf(gateway, "/401")).status, 401);
  });

  test("goes to another address where the first cannot be reached, then is a 502", async () => {
    using pod = await rawSocketPod();
    const dead = await closedPort();
    await using gateway = await gatewayTo([dead, pod.port]);
    for (let i = 0; i < 4; i++) assertEquals(statusOf(await rawSocket(gateway.url)), 101);
    await using lost = await gatewayTo([dead]);
    const answer = await rawSocket(lost.url);
    assertEquals(statusOf(answer), 502);
    assertEquals(field(answer.head, "content-type"), "application/problem+json");
    assertEquals((await lineOf(lost, "/")).error, "upstream_connect");
  });

  test("that the upstream leaves unanswered is a 504 after `timeouts.response`, and its connection ends", async () => {
    using pod = await rawSocketPod(() => undefined);
    await using gateway = await gatewayTo([pod.port], { timeouts: { response: 150 } });
    const answer = await rawSocket(gateway.url);
    assertEquals(statusOf(answer), 504);
    assertEquals((await lineOf(gateway, "/")).error, "upstream_timeout");
    await until(() => pod.sockets[0]?.closed(), { message: "the pod's connection ends" });
  });

  test("whose client leaves meanwhile ends the upstream's within a second", async () => {
    using pod = await rawSocketPod(() => undefined);
    await using gateway = await gatewayTo([pod.port]);
    const client = await rawClient(Number(new URL(gateway.url).port), handshake("/left"));
    const waiting = await pod.socket();
    client.socket.destroy();
    await until(() => waiting.closed(), { timeout: 1000, message: "the pod's connection ends" });
    assertEquals((await lineOf(gateway, "/left")).error, "client_gone");
  });

  test("that the upstream answers wrongly is a 502: another key's answer, another protocol, no HTTP", async () => {
    const wrong: Record<string, (accept: string) => string> = {
      "/accept": () => switching("bm90IHRoZSBhbnN3ZXI="),
      "/protocol": (accept) => switching(accept).replace("Upgrade: websocket", "Upgrade: h2c"),
      "/status": () => "HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n",
      "/garbage": () => "this is not HTTP\r\n\r\n",
    };
    using pod = await rawSocketPod((head, accept) => wrong[head.split(" ")[1]!]!(accept));
    await using gateway = await gatewayTo([pod.port], { health: { passive: false } });
    for (const path of Object.keys(wrong))
      assertEquals([path, statusOf(await rawSocket(gateway.url, path))], [path, 502]);
  });

  test("that is malformed is the pod's to refuse; without a key no 101 answers it", async () => {
    using pod = await rawSocketPod((head, accept) =>
      head.includes("Version: 8")
        ? "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"
        : switching(accept),
    );
    await using gateway = await gatewayTo([pod.port]);
    const old = await rawSocket(gateway.url, "/old", ["Sec-WebSocket-Version: 8"]);
    assertEquals([statusOf(old), field(old.head, "sec-websocket-version")], [426, "13"]);
    assertEquals(statusOf(await rawSocket(gateway.url, "/key", ["Sec-WebSocket-Key:"])), 502);
  });

  test("without `Connection: Upgrade` is a plain request, as RFC 9110 lets it be", async () => {
    await using pod = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: ({ headers }) => new Response(`plain ${headers.get("upgrade")}`),
    });
    await using gateway = await gatewayTo([pod.port!]);
    const answer = await gateway.fetch("/", { headers: { upgrade: "websocket", connection: "keep-alive" } });
    assertEquals(await answer.text(), "plain null");
  });

  test("has the headers that any request has: forwarded, cookies, Origin, Host, none of one hop", async () => {
    await using ends = await pair(
      {
        path: "/chat",
        strip_prefix: "/chat",
        request_headers: { set: { "x-set": "yes" }, remove: ["x-secret"] },
        response_headers: { set: { "x-answer": "yes" } },
      },
      "/chat/room?id=1&x=%2F",
      [
        "Connection: keep-alive, Upgrade, X-Hop",
        "X-Hop: 1",
        "X-Secret: s",
        "X-Forwarded-For: 192.0.2.1",
        "Cookie: a=1; b=2",
        "Origin: https://app.test",
        "Authorization: Bearer t",
        "Host: Chat.test:81",
      ],
    );
    const { head } = ends.upstream;
    assertEquals(head.split("\r\n")[0], "GET /room?id=1&x=%2F HTTP/1.1");
    const sent = (name: string): string | undefined => field(head, name);
    assertEquals(
      [sent("cookie"), sent("origin"), sent("host"), sent("authorization"), sent("x-set")],
      ["a=1; b=2", "https://app.test", "Chat.test:81", "Bearer t", "yes"],
    );
    assertEquals(
      [sent("x-forwarded-for"), sent("x-forwarded-proto"), sent("x-forwarded-host")],
      ["127.0.0.1", "http", "Chat.test:81"],
    );
    assertEquals([sent("x-hop"), sent("x-secret"), sent("connection")], [undefined, undefined, "Upgrade"]);
    assertEquals(sent("sec-websocket-key"), "dGhlIHNhbXBsZSBub25jZQ==");
    assertEquals(field(ends.client.head, "x-answer"), "yes");
  });

  test("has the pod's address as Host with `pass_host: node`, and its answer's cookies are all kept", async () => {
    using pod = await rawSocketPod((_head, accept) =>
      switching(accept, "Set-Cookie: a=1", "Set-Cookie: b=2", "X-P: 1"),
    );
    await using gateway = await gatewayTo([pod.port], { pass_host: "node" }, { upstream_headers: true });
    const client = await rawSocket(gateway.url);
    assertEquals(field((await pod.socket()).head, "host"), `127.0.0.1:${pod.port}`);
    assertEquals(client.head.match(/^set-cookie: .*$/gim)?.length, 2);
    assertEquals([field(client.head, "x-p"), field(client.head, "x-podway-upstream-status")], ["1", "101"]);
    assertEquals(client.head.match(/^sec-websocket-accept: .*$/gim), [
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    ]);
  });

  test("goes through the route's middleware first", async () => {
    using pod = await rawSocketPod();
    const users = [{ username: "u", password: "p" }];
    await using gateway = await gatewayTo([pod.port], { middleware: [{ basic_auth: { users } }] });
    assertEquals([statusOf(await rawSocket(gateway.url)), pod.sockets.length], [401, 0]);
    const known = await rawSocket(gateway.url, "/", [`Authorization: Basic ${btoa("u:p")}`]);
    known.send(frame(1, "hello"));
    assertEquals((await (await pod.socket()).next(1)).payload.toString(), "hello");
  });
});
