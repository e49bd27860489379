import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { sign } from "hono/jwt";
import { keyMetadata } from "../../src/base/schema/key.ts";
import { secure_headers } from "../../src/middleware/answers.ts";
import { route } from "../config/support.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { chained, type Sent } from "./support.ts";

/** Every way to write a text in a query: each character as it is or percent-encoded, in both cases of the digits. */
function spellings(text: string): string[] {
  return [...text].reduce<string[]>(
    (made, char) => {
      const hex = char.charCodeAt(0).toString(16);
      const ways = new Set([...(char === " " ? ["+"] : [char]), `%${hex.toLowerCase()}`, `%${hex.toUpperCase()}`]);
      return made.flatMap((start) => [...ways].map((way) => start + way));
    },
    [""],
  );
}

describe("a key in the query, however its name is written,", () => {
  const searchOf = async (search: string): Promise<[number, string | undefined]> => {
    let got: string | undefined;
    const { send } = chained(
      '[{key_auth: {query: "k_ j", hide_credentials: true, consumers: [{name: jack, key: one}]}}]',
      {
        forwarded: ({ search }) => {
          got = search;
        },
      },
    );
    return [(await send(`/${search}`)).status, got];
  };

  test("is taken for the key, and hidden from the upstream", async () => {
    for (const name of spellings("k_ j")) {
      assertEquals(await searchOf(`?a=%41&${name}=one&b=+`), [200, "?a=%41&b=+"], name);
      assertEquals(await searchOf(`?${name}=one`), [200, ""], name);
    }
  });

  test("is hidden wherever it stands and however often", async () => {
    assertEquals(await searchOf("?k_+j=one&k%5f%20j=one&a=k_+j&k_+j"), [200, "?a=k_+j"]);
  });

  test("is not another name that is like it", async () => {
    for (const name of ["K_+j", "k-+j", "k_++j", "k_+jj", "%256b_+j"]) {
      assertEquals(await searchOf(`?${name}=one`), [401, undefined], name);
    }
  });
});

test("the scheme of a token may be written in any case, or left out", async () => {
  const { send } = chained("[{jwt_auth: {consumers: [{name: jack, key: j, secret: s3cr3t}]}}]");
  const token = await sign({ key: "j" }, "s3cr3t", "HS256");
  const status = async (authorization: string): Promise<number> =>
    (await send("/", { headers: { authorization } })).status;
  for (const scheme of ["Bearer ", "bearer ", "BEARER ", "bEARER  ", ""])
    assertEquals(await status(scheme + token), 200, scheme);
  for (const scheme of ["Bearer", "Basic ", "Bearer Bearer "]) assertEquals(await status(scheme + token), 401, scheme);
});

describe("a limit takes as many as it says and not one more:", () => {
  const taken = async (entry: string, sends: number): Promise<number> => {
    const { send } = chained(`[${entry}]`, { parts: { clock: createFakeClock() } });
    const all = await Promise.all(Array.from({ length: sends }, () => send("/")));
    return all.filter(({ status }) => status === 200).length;
  };
  for (const limit of [1, 2, 7]) {
    test(`${limit}`, async () => {
      for (const sends of [limit - 1, limit, limit + 1]) {
        const expected = Math.min(limit, sends);
        assertEquals(await taken(`{rate_limit: {limit: ${limit}}}`, sends), expected, "rate_limit");
        assertEquals(await taken(`{concurrency_limit: {limit: ${limit}}}`, sends), expected, "concurrency_limit");
        const throttle = `{throttle: {rate: 0.001, burst: ${limit - 1}, delay: false}}`;
        assertEquals(await taken(throttle, sends), expected, "throttle");
      }
    });
  }

  test("a window ends when its time is over and not before", async () => {
    const clock = createFakeClock();
    const { send } = chained("[{rate_limit: {limit: 1, window: 5000}}]", { parts: { clock } });
    const status = async (): Promise<number> => (await send("/")).status;
    assertEquals([await status(), await status()], [200, 429]);
    await clock.advance(4999);
    assertEquals(await status(), 429);
    await clock.advance(1);
    assertEquals([await status(), await status()], [200, 429]);
  });
});

test("a body of exactly the limit for an ETag gets one, and a larger one does not", async () => {
  for (const [size, has] of [
    [9, true],
    [10, true],
    [11, false],
  ] as const) {
    const { send } = chained("[{etag: {max_size: 10}}]", {
      upstream: () => new Response("x".repeat(size), { headers: { "content-length": String(size) } }),
    });
    assertEquals((await send("/")).headers.has("etag"), has, `${size} bytes`);
  }
});

describe("what is left out", () => {
  /** The only middleware of a route, as the gateway sees it. */
  const filled = (entry: string): unknown =>
    Object.values(route(`{service: a/b, middleware: [${entry}]}`).middleware[0] as object)[0];
  test.each<[entry: string, is: object]>([
    ["{rate_limit: {limit: 1}}", { limit: 1, window: 60_000, key: "client_ip", headers: "draft-6", status: 429 }],
    ["{throttle: {rate: 1}}", { rate: 1, burst: 0, delay: true, key: "client_ip", status: 429 }],
    ["{concurrency_limit: {limit: 1}}", { limit: 1, key: "client_ip", status: 429 }],
    ["{consumer_restriction: {deny_list: [a]}}", { deny_list: ["a"], status: 403 }],
    ["{bearer_auth: {token: a}}", { token: "a", prefix: "Bearer", header_name: "authorization" }],
    ["{compress: {}}", { threshold: 1024 }],
    ["{csrf: {}}", { sec_fetch_site: "same-origin" }],
    ["{https_redirect: {}}", { port: 443 }],
    ["{request_id: {}}", { header_name: "x-request-id", limit_length: 128 }],
    ["{etag: {}}", { weak: false, max_size: 1_048_576 }],
    ["{cache_control: {value: no-store}}", { value: "no-store", overwrite: false, statuses: [200] }],
    [
      "{cors: {}}",
      {
        origin: "*",
        allow_methods: ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "QUERY"],
        credentials: false,
      },
    ],
    [
      "{key_auth: {consumers: [{name: a, key: b}]}}",
      {
        header: "x-api-key",
        hide_credentials: false,
        consumers: [{ name: "a", key: "b" }],
        consumer_header: "x-consumer-username",
      },
    ],
    [
      "{jwt_auth: {consumers: [{name: a, key: b, secret: c}]}}",
      {
        header: "authorization",
        key_claim: "key",
        hide_credentials: false,
        consumers: [{ name: "a", key: "b", secret: "c", alg: "HS256" }],
        consumer_header: "x-consumer-username",
      },
    ],
    [
      "{jwk: {jwks_uri: 'https://a.test/', alg: [ES256]}}",
      {
        jwks_uri: "https://a.test/",
        alg: ["ES256"],
        allow_anon: false,
        max_age: 300_000,
        header_name: "authorization",
      },
    ],
  ])("of %s is the default that is documented", (entry, is) => {
    assertEquals(filled(entry) as object, is);
  });

  test("of a security header's value is the one that its help names", async () => {
    const helped = Object.entries(secure_headers.options.entries).flatMap(([key, entry]) => {
      const [, header, value] = /^The (\S+) header\. true: (.*)\. false:/.exec(keyMetadata(entry)?.help ?? "") ?? [];
      return header === undefined ? [] : [[key, header, value!] as const];
    });
    assertEquals(helped.length, 12);
    const { headers } = await chained(`[{secure_headers: {${helped.map(([key]) => `${key}: true`).join(", ")}}}]`).send(
      "/",
    );
    assertEquals(
      helped.map(([, header]) => headers.get(header)),
      helped.map(([, , value]) => value),
    );
  });

  test("of a key's part is the client's address, so that nobody shares a count with all who lack it", async () => {
    const { send } = chained("[{rate_limit: {limit: 1, key: {header: x-key}}}]");
    const from = (peer: string, key?: string): Sent => ({
      peer,
      ...(key !== undefined && { headers: { "x-key": key } }),
    });
    const codes = [from("192.0.2.1"), from("192.0.2.2"), from("192.0.2.1", ""), from("192.0.2.9", "192.0.2.1")];
    const statuses: number[] = [];
    for (const sent of codes) statuses.push((await send("/", sent)).status);
    assertEquals(statuses, [200, 200, 429, 200]);
  });

  test("a client of IPv6 counts by its /64", async () => {
    const { send } = chained("[{rate_limit: {limit: 1}}]");
    const status = async (peer: string): Promise<number> => (await send("/", { peer })).status;
    assertEquals(await status("2001:db8:0:1::1"), 200);
    assertEquals(await status("2001:db8:0:1:ffff:ffff:ffff:ffff"), 429);
    assertEquals(await status("2001:0DB8::1:0:0:0:2"), 429);
    assertEquals(await status("2001:db8:0:2::1"), 200);
    assert((await status("2001:db8::1")) === 200);
  });
});
