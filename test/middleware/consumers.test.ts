import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { sign } from "hono/jwt";
import { headersOf } from "../../src/http/header-fields.ts";
import { chained, type Sent } from "./support.ts";

/** Sends to a pod that tells which headers and which path it got. */
function told(entries: string) {
  const { send } = chained(entries, {
    upstream: (request, headers) => Response.json({ url: request.url, ...Object.fromEntries(headersOf(headers)) }),
  });
  return async (path: string, init?: Sent) => {
    const answer = await send(path, init);
    return { status: answer.status, headers: answer.headers, pod: (await answer.json()) as Record<string, unknown> };
  };
}
const header = (name: string, value: string): Sent => ({ headers: { [name]: value } });

describe("key_auth", () => {
  const CONSUMERS = "consumers: [{name: jack, key: one}, {name: rose, key: two}]";

  test("lets in who sends a consumer's key, and tells the pod who it is", async () => {
    const send = told(`[{key_auth: {${CONSUMERS}}}]`);
    const { status, pod } = await send("/", { headers: { "x-api-key": "two", "x-consumer-username": "admin" } });
    assertEquals([status, pod["x-consumer-username"], pod["x-api-key"]], [200, "rose", "two"]);
  });

  test("refuses everybody else, and shows no key", async () => {
    const send = told(`[{key_auth: {${CONSUMERS}}}]`);
    const { status, pod, headers } = await send("/", header("x-api-key", "three"));
    assertEquals([status, pod.code, headers.get("www-authenticate")], [401, "unauthorized", "ApiKey"]);
    assertEquals((await send("/?x-api-key=one")).status, 401);
  });

  test("reads a parameter where there is no header, and hides what it read", async () => {
    let search = "";
    const { send } = chained(`[{key_auth: {header: apikey, query: k, hide_credentials: true, ${CONSUMERS}}}]`, {
      upstream: (_request, headers) => new Response(String(headers.get("apikey"))),
      forwarded: (facts) => {
        search = facts.search;
      },
    });
    assertEquals([(await send("/?a=%20&k=one&b")).status, search], [200, "?a=%20&b"]);
    assertEquals([(await send("/?k=one")).status, search], [200, ""]);
    const answer = await send("/?k=three", header("apikey", "two"));
    assertEquals([answer.status, await answer.text(), search], [200, "null", "?k=three"]);
  });
});

describe("basic_auth", () => {
  test("tells the pod who it is and hides the password", async () => {
    const send = told(
      "[{basic_auth: {users: [{username: u, password: p, consumer: jack}, {username: v, password: q}], consumer_header: x-who, hide_credentials: true}}]",
    );
    const basic = (text: string) => header("authorization", `Basic ${btoa(text)}`);
    const { status, pod } = await send("/", basic("u:p"));
    assertEquals([status, pod["x-who"], pod.authorization], [200, "jack", undefined]);
    assertEquals((await send("/", basic("v:q"))).pod["x-who"], "v");
    assertEquals((await send("/", basic("u:q"))).status, 401);
  });
});

describe("jwt_auth", () => {
  const ENTRY =
    "[{jwt_auth: {query: jwt, cookie: jwt, hide_credentials: true, consumers: [{name: jack, key: k1, secret: s1}, {name: rose, key: k2, secret: s2, alg: HS512}]}}]";

  test("verifies a token with the secret of the consumer its claim names", async () => {
    const send = told(ENTRY);
    const one = await sign({ key: "k1" }, "s1", "HS256");
    const two = await sign({ key: "k2" }, "s2", "HS512");
    const { status, pod } = await send("/", header("authorization", `Bearer ${one}`));
    assertEquals([status, pod["x-consumer-username"], pod.authorization], [200, "jack", undefined]);
    assertEquals((await send("/", header("authorization", two))).pod["x-consumer-username"], "rose");
    assertEquals((await send(`/?jwt=${two}`)).pod["x-consumer-username"], "rose");
    const cookie = (await send("/", header("cookie", `a=1; jwt=${one}; b=2`))).pod;
    assertEquals([cookie["x-consumer-username"], cookie.cookie], ["jack", "a=1; b=2"]);
  });

  test("leaves the token to the pod unless it is to be hidden", async () => {
    const send = told(ENTRY.replace("hide_credentials: true, ", ""));
    const token = `Bearer ${await sign({ key: "k1" }, "s1", "HS256")}`;
    assertEquals((await send("/", header("authorization", token))).pod.authorization, token);
  });

  test("refuses a token that is another's, over, or none", async () => {
    const send = told(ENTRY);
    const wrong = [
      await sign({ key: "k1" }, "s2", "HS256"),
      await sign({ key: "k2" }, "s2", "HS256"),
      await sign({ key: "k3" }, "s1", "HS256"),
      await sign({}, "s1", "HS256"),
      await sign({ key: "k1", exp: 1 }, "s1", "HS256"),
      "x.y.z",
    ];
    for (const token of wrong) {
      const { status, headers } = await send("/", header("authorization", `Bearer ${token}`));
      assertEquals([status, headers.get("www-authenticate")], [401, 'Bearer error="invalid_token"'], token);
    }
    assertEquals((await send("/")).status, 401);
  });
});

describe("consumer_restriction", () => {
  const keys = "{key_auth: {consumers: [{name: jack, key: one}, {name: rose, key: two}]}}";

  test("lets pass who is on its list, or not on the other", async () => {
    const allow = told(`[${keys}, {consumer_restriction: {allow_list: [jack]}}]`);
    assertEquals((await allow("/", header("x-api-key", "one"))).status, 200);
    const { status, pod } = await allow("/", header("x-api-key", "two"));
    assertEquals([status, pod.code], [403, "forbidden"]);
    const deny = told(`[${keys}, {consumer_restriction: {deny_list: [jack], status: 404, message: not for you}}]`);
    const refused = await deny("/", header("x-api-key", "one"));
    assertEquals([refused.status, refused.pod.detail, refused.pod.status], [404, "not for you", 404]);
    assertEquals((await deny("/", header("x-api-key", "two"))).status, 200);
  });

  test("lets nobody pass whom nothing before it knows", async () => {
    assertEquals((await told("[{consumer_restriction: {deny_list: [jack]}}]")("/")).status, 401);
  });
});
