import { describe, test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { sign } from "hono/jwt";
import { errors } from "../config/support.ts";
import { bearer, chained, problemOf, type Sent, UNAUTHORIZED } from "./support.ts";

const basic = (text: string): Sent => ({ headers: { authorization: `Basic ${btoa(text)}` } });

test("a user name that can never log in is refused", () => {
  for (const options of ['{username: "a:b", password: p}', '{users: [{username: "a\\tb", password: p}]}']) {
    const [error, ...more] = errors(`routes:\n  - {service: a/b, middleware: [{basic_auth: ${options}}]}\n`);
    assertStringIncludes(error!, "username must be a user name without : and control characters");
    assertEquals(more, []);
  }
});

describe("basic_auth", () => {
  const { send } = chained("[{basic_auth: {username: u, password: p, users: [{username: v, password: q}], realm: r}}]");

  test("lets every named user in", async () => {
    assertEquals((await send("/", basic("u:p"))).status, 200);
    assertEquals((await send("/", basic("v:q"))).status, 200);
  });

  test("asks everybody else for a password, in a problem answer", async () => {
    const answer = await send("/", basic("u:q"));
    assertEquals(answer.headers.get("www-authenticate"), 'Basic realm="r"');
    assertEquals(await problemOf(answer), UNAUTHORIZED);
    assertEquals(await problemOf(await send("/")), UNAUTHORIZED);
  });
});

describe("bearer_auth", () => {
  test("lets each of its tokens in and refuses others", async () => {
    const { send } = chained("[{bearer_auth: {token: [one, two]}}]");
    assertEquals((await send("/", bearer("two"))).status, 200);
    const answer = await send("/", bearer("three"));
    assertStringIncludes(answer.headers.get("www-authenticate")!, "invalid_token");
    assertEquals(await problemOf(answer), UNAUTHORIZED);
  });

  test("reads another header where it is told to", async () => {
    const { send } = chained("[{bearer_auth: {token: one, header_name: x-api-key, prefix: ''}}]");
    assertEquals((await send("/", { headers: { "x-api-key": "one" } })).status, 200);
    assertEquals((await send("/", bearer("one"))).status, 401);
  });
});

describe("jwt", () => {
  const { send } = chained(
    "[{jwt: {secret: s3cr3t, alg: HS256, verification: {iss: me, aud: [a, b]}, cookie: session}}]",
  );
  const now = Math.floor(Date.now() / 1000);
  const token = (claims: object, secret = "s3cr3t") =>
    sign({ iss: "me", aud: "b", exp: now + 60, ...claims }, secret, "HS256");

  test("lets a valid token in, from the header or the cookie", async () => {
    assertEquals((await send("/", bearer(await token({})))).status, 200);
    assertEquals((await send("/", { headers: { cookie: `session=${await token({})}` } })).status, 200);
  });

  test.each([
    ["that ended", { exp: now - 60 }, "s3cr3t"],
    ["of another issuer", { iss: "you" }, "s3cr3t"],
    ["for another audience", { aud: "c" }, "s3cr3t"],
    ["signed with another secret", {}, "other"],
  ] as const)("refuses a token %s", async (_what, claims, secret) => {
    const answer = await send("/", bearer(await token(claims, secret)));
    assertStringIncludes(answer.headers.get("www-authenticate")!, "invalid_token");
    assertEquals(await problemOf(answer), UNAUTHORIZED);
  });
});
