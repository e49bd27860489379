import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { chained, FORBIDDEN, problemOf, type Sent } from "./support.ts";

describe("cors", () => {
  const origin = (origin: string): Sent => ({ headers: { origin } });
  const allowed = (answer: Response): string | null => answer.headers.get("access-control-allow-origin");

  test("allows the origins of its list and no other", async () => {
    const { send } = chained("[{cors: {origin: ['https://a.test', 'https://b.test'], credentials: true}}]");
    const answer = await send("/", origin("https://b.test"));
    assertEquals([allowed(answer), answer.headers.get("access-control-allow-credentials")], ["https://b.test", "true"]);
    assertEquals(allowed(await send("/", origin("https://c.test"))), null);
  });

  test("allows origins by a regular expression", async () => {
    const { send } = chained(`[{cors: {origin: {regex: '^https://[a-z]+\\.a\\.test$'}}}]`);
    assertEquals(allowed(await send("/", origin("https://x.a.test"))), "https://x.a.test");
    assertEquals(allowed(await send("/", origin("https://a.test"))), null);
  });

  test("allows by a regular expression the whole origin only", async () => {
    const { send } = chained(
      "[{cors: {origin: {regex: 'https://[a-z]+\\.a\\.test|http://b\\.test'}, credentials: true}}]",
    );
    for (const fine of ["https://x.a.test", "http://b.test"])
      assertEquals(allowed(await send("/", origin(fine))), fine);
    for (const near of [
      "https://x.a.test.evil.test",
      "https://x.a.test:8443",
      "https://evil.test/https://x.a.test",
      "xhttps://x.a.test",
      "http://b.test.evil.test",
      "xhttp://b.test",
    ]) {
      assertEquals(allowed(await send("/", origin(near))), null, near);
    }
  });

  test("answers a preflight request itself", async () => {
    const { send, passed } = chained("[{cors: {allow_methods: [PUT], allow_headers: [x-a], max_age: 60}}]");
    const answer = await send("/", { method: "OPTIONS", headers: { origin: "https://a.test" } });
    assertEquals([answer.status, passed()], [204, 0]);
    assertEquals(answer.headers.get("access-control-allow-methods"), "PUT");
    assertEquals(answer.headers.get("access-control-allow-headers"), "x-a");
    assertEquals(answer.headers.get("access-control-max-age"), "60");
  });

  test("lets a browser read a refusal of a later middleware", async () => {
    const { send } = chained("[{cors: {}}, {bearer_auth: {token: t}}]");
    const answer = await send("/", origin("https://a.test"));
    assertEquals([answer.status, allowed(answer)], [401, "*"]);
  });
});

describe("csrf", () => {
  const form = (headers: Record<string, string>): Sent => ({
    method: "POST",
    body: "a=1",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  });

  test("refuses a form of another origin, and takes those of its own", async () => {
    const { send } = chained("[{csrf: {}}]");
    assertEquals(await problemOf(await send("/", form({ origin: "https://evil.test" }))), FORBIDDEN);
    for (const origin of ["http://gateway.test", "https://gateway.test"]) {
      assertEquals((await send("/", form({ origin }))).status, 200);
    }
    assertEquals((await send("/", { method: "GET" })).status, 200);
  });

  test("takes forms of the origins it names", async () => {
    const { send } = chained("[{csrf: {origin: [https://app.test], sec_fetch_site: [same-site]}}]");
    assertEquals((await send("/", form({ origin: "https://app.test" }))).status, 200);
    assertEquals((await send("/", form({ "sec-fetch-site": "same-site" }))).status, 200);
    assertEquals((await send("/", form({ origin: "https://gateway.test" }))).status, 403);
  });
});

describe("ip_restriction", () => {
  test("goes by the client's address as trusted proxies tell it", async () => {
    const { send } = chained("[{ip_restriction: {allow_list: [192.0.2.0/24, '2001:db8::/32']}}]");
    assertEquals((await send("/", { peer: "192.0.2.9" })).status, 200);
    assertEquals((await send("/", { peer: "2001:db8::1" })).status, 200);
    assertEquals(await problemOf(await send("/", { peer: "198.51.100.1" })), FORBIDDEN);
    const through = (client: string, proxy: string): Sent => ({ peer: proxy, headers: { "x-forwarded-for": client } });
    assertEquals((await send("/", through("192.0.2.9", "10.0.0.1"))).status, 200);
    assertEquals((await send("/", through("192.0.2.9", "198.51.100.1"))).status, 403);
  });

  test("refuses what is on the deny list even where it is allowed too", async () => {
    const { send } = chained("[{ip_restriction: {allow_list: [192.0.2.0/24], deny_list: [192.0.2.66]}}]");
    assertEquals((await send("/", { peer: "192.0.2.66" })).status, 403);
  });
});
