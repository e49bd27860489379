import { afterAll, beforeAll, describe, test } from "bun:test";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { until } from "../helpers/wait.ts";
import { answerWith, headLines, type RawPod, rawClient, rawPod, rawRequest } from "../proxy/helpers.ts";
import { type ServedGateway, serve } from "./support.ts";

let pod: RawPod;
let gateway: ServedGateway;
const routes = (nodes: object[]): object[] => [
  { id: "adm", path: "/admin", nodes, middleware: [{ key_auth: { consumers: [{ name: "alice", key: "sekrit" }] } }] },
  { id: "open", path: "/", nodes },
  { id: "kept", path: "/kept", nodes, paths: "keep" },
  { id: "templated", path: { template: "/v/{a}-{b}-{c}/x" }, nodes },
];
beforeAll(async () => {
  pod = await rawPod((socket) => void socket.write(answerWith("ok")));
  gateway = await serve({ routes: routes([{ host: "127.0.0.1", port: pod.port }]) });
});
afterAll(async () => {
  await gateway.stop();
  pod.stop();
});

/** The answer to a raw target, and the target the pod was asked for. */
async function ask(target: string): Promise<{ status: number; body: string; target: string | undefined }> {
  const before = pod.requests.length;
  const port = Number(new URL(gateway.url).port);
  const answer = await rawRequest(port, `GET ${target} HTTP/1.1\r\nHost: shop.test\r\n\r\n`);
  const asked = pod.requests[before];
  return {
    status: Number(answer.split(" ")[1]),
    body: answer.slice(answer.indexOf("\r\n\r\n") + 4),
    target: asked && headLines(asked)[0]!.split(" ")[1],
  };
}

describe("a path", () => {
  test("whose spellings lead around a guarded route reaches no pod, and the answer names the key", async () => {
    for (const target of [
      "/admin%2fx",
      "//admin/x",
      "/admin;x/secret",
      "/x/..%2fadmin",
      "/x/..;/admin",
      "/admin%5cx",
    ]) {
      const { status, body, target: asked } = await ask(target);
      assertEquals([status, asked], [400, undefined], target);
      const { code, detail } = JSON.parse(body);
      assertEquals(code, "ambiguous_path");
      assertStringIncludes(detail, "server.paths");
    }
    assertEquals((await ask("/admin/x")).status, 401);
  });

  test("passes as it came where its readings agree, or where its route has one of its own", async () => {
    for (const target of ["/@scope%2fname", "//x", "/a//b;c%2Fd", "/kept/a%2fb"]) {
      assertEquals((await ask(target)).target, target);
    }
  });

  test("with an encoded control character is refused", async () => {
    for (const target of ["/a%0a", "/a%00", "/a%7f", "/admin/%0D"]) {
      const { status, target: asked } = await ask(target);
      assertEquals([status, asked], [400, undefined], target);
    }
  });

  test("of 8 kB that nearly matches a template keeps no other client waiting", async () => {
    assertEquals((await ask(`/v/${"-".repeat(8000)}`)).status, 200);
  });

  test("is explained as it is answered", async () => {
    const { verdict, route, routes } = await gateway.admin(`/v1/explain?url=${encodeURIComponent("/admin%2fx")}`);
    assertEquals([verdict.code, verdict.status, route], ["ambiguous_path", 400, null]);
    assertMatch(verdict.summary, /\/admin%2Fx is for open and \/admin\/x is for adm/);
    assertEquals(
      routes.filter(({ matched }: { matched: boolean }) => matched).map(({ id }: { id: string }) => id),
      ["adm", "open"],
    );
  });

  test("is read anew when the config says otherwise", async () => {
    const nodes = [{ host: "127.0.0.1", port: pod.port }];
    const other = await serve({ server: { paths: "nginx" }, routes: routes(nodes) });
    try {
      const statuses: number[] = [];
      for (const target of ["/admin%2fx", "//admin/x", "/x/..%2fadmin", "/admin;x/y"]) {
        statuses.push((await other.fetch(target)).status);
      }
      assertEquals(statuses, [401, 401, 401, 200]);
    } finally {
      await other.stop();
    }
  });
});

describe("a request refused for its Host, framing or target", () => {
  const HIDDEN = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
  const REFUSED: Record<string, string> = {
    "two Host": "GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a Host with a path": "GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "an encoded control character": "GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment": "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a length beside a coding":
      "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a target beyond the limit": `GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  };
  for (const [name, bytes] of Object.entries(REFUSED)) {
    test(`${name}: ends the connection, and what is pipelined behind it reaches no pod`, async () => {
      const before = pod.requests.length;
      const client = await rawClient(Number(new URL(gateway.url).port), bytes + HIDDEN);
      await until(client.closed, "the connection ends");
      assertEquals(client.received().match(/^HTTP\/1\.1 \d+/gm)?.length, 1, client.received());
      assertMatch(client.received(), /^HTTP\/1\.1 (?:4|501)[\s\S]*\r\nconnection: close\r\n/i);
      assertEquals(pod.requests.length, before);
    });
  }
});
