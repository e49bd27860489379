import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { until } from "../helpers/wait.ts";
import { serve } from "./support.ts";

describe("the access log", () => {
  test("has a line for what was refused before a route was looked for, cut to a length that does no harm", async () => {
    await using gateway = await serve({
      server: { listen: "127.0.0.1:0", limits: { url_bytes: 1000, headers: 20 } },
      admin: { listen: "127.0.0.1:0" },
      routes: [{ path: "/", nodes: [{ host: "127.0.0.1", port: 9 }] }],
    });
    const long = `/${"a".repeat(2000)}`;
    assertEquals((await gateway.fetch(`${long}?token=s3cret`)).status, 414);
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`x-${i}`, "1"]));
    assertEquals((await gateway.fetch("/x", { headers: many })).status, 431);
    const lines = (): Record<string, unknown>[] =>
      gateway.stdout.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    await until(() => lines().length === 2, { message: "both lines are written" });
    assertEquals(
      lines().map(({ method, path, status, error, route, client }) => ({ method, path, status, error, route, client })),
      [
        {
          method: "GET",
          path: long.slice(0, 256),
          status: 414,
          error: "url_too_long",
          route: null,
          client: "127.0.0.1",
        },
        { method: "GET", path: "/x", status: 431, error: "headers_too_large", route: null, client: "127.0.0.1" },
      ],
    );
  });

  test("holds no credential that clients send as a parameter, whatever becomes of their request", async () => {
    await using gateway = await serve({
      server: { listen: "127.0.0.1:0", access_log: "combined" },
      routes: [
        {
          path: "/k",
          redirect: { path: "/x" },
          middleware: [
            { key_auth: { query: "apikey", hide_credentials: true, consumers: [{ name: "alice", key: "S3KRET" }] } },
          ],
        },
        {
          path: "/j",
          redirect: { path: "/x" },
          middleware: [{ jwt_auth: { query: "jwt", consumers: [{ name: "a", key: "a", secret: "s" }] } }],
        },
      ],
    });
    const referer = `${gateway.url}/k?apikey=S3KRET`;
    assertEquals((await gateway.fetch("/k?a=1&apikey=S3KRET&b=%20", { headers: { referer } })).status, 302);
    assertEquals((await gateway.fetch("/k?%61pikey=S3KRET-wrong")).status, 401);
    assertEquals((await gateway.fetch("/typo?apikey=S3KRET")).status, 404);
    assertEquals((await gateway.fetch("/j?jwt=S3KRET&v=2")).status, 401);
    const targets = (): string[] => gateway.stdout.flatMap((line) => /"GET (\S+) HTTP/.exec(line)?.[1] ?? []);
    await until(() => targets().length === 4, { message: "all lines are written" });
    assertEquals(targets(), ["/k?a=1&apikey=xxx&b=%20", "/k?%61pikey=xxx", "/typo?apikey=xxx", "/j?jwt=xxx&v=2"]);
    assertEquals(
      gateway.stdout.filter((line) => line.includes("S3KRET")),
      [],
    );
  });
});
