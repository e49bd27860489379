import { describe, test } from "bun:test";
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { sign } from "hono/jwt";
import { errors } from "../config/support.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { chained, type Sent } from "./support.ts";

/** Status and problem code of an answer. */
async function refusal(answer: Response): Promise<[number, string | null, unknown]> {
  const type = answer.headers.get("content-type");
  return [answer.status, type, ((await answer.json()) as { code: unknown }).code];
}
const unauthorized = [401, "application/problem+json", "unauthorized"] as const;
const forbidden = [403, "application/problem+json", "forbidden"] as const;
const basic = (text: string): Sent => ({ headers: { authorization: `Basic ${btoa(text)}` } });
const bearer = (token: string): Sent => ({ headers: { authorization: `Bearer ${token}` } });

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
    assertEquals(await refusal(answer), [...unauthorized]);
    assertEquals(await refusal(await send("/")), [...unauthorized]);
  });
});

describe("bearer_auth", () => {
  test("lets each of its tokens in and refuses others", async () => {
    const { send } = chained("[{bearer_auth: {token: [one, two]}}]");
    assertEquals((await send("/", bearer("two"))).status, 200);
    const answer = await send("/", bearer("three"));
    assertStringIncludes(answer.headers.get("www-authenticate")!, "invalid_token");
    assertEquals(await refusal(answer), [...unauthorized]);
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
    assertEquals(await refusal(answer), [...unauthorized]);
  });
});

describe("jwk", () => {
  async function issuer() {
    const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const kid = crypto.randomUUID();
    const publicKey = { ...(await crypto.subtle.exportKey("jwk", pair.publicKey)), kid, alg: "ES256" };
    const privateKey = { ...(await crypto.subtle.exportKey("jwk", pair.privateKey)), kid, alg: "ES256" };
    return { publicKey, token: () => sign({ sub: "a" }, privateKey as never, "ES256") };
  }
  const options = "[{jwk: {jwks_uri: 'https://issuer.test/jwks', alg: [ES256]}}]";

  test("asks for the key set once for many requests, and anew when the issuer changed its key", async () => {
    const [before, after] = [await issuer(), await issuer()];
    let keys = [before.publicKey];
    let asked = 0;
    const clock = createFakeClock();
    const { send } = chained(options, {
      parts: {
        clock,
        fetch: async () => {
          asked++;
          return Response.json({ keys });
        },
      },
    });
    for (let i = 0; i < 5; i++) assertEquals((await send("/", bearer(await before.token()))).status, 200);
    assertEquals(asked, 1);

    keys = [after.publicKey];
    assertEquals((await send("/", bearer(await after.token()))).status, 401);
    await clock.advance(10_000);
    assertEquals((await send("/", bearer(await after.token()))).status, 200);
    assertEquals(asked, 2);
  });

  test("keeps the last key set while the issuer is down", async () => {
    const { publicKey, token } = await issuer();
    let down = false;
    const clock = createFakeClock();
    const fetch = async (): Promise<Response> =>
      down ? new Response("sorry", { status: 503 }) : Response.json({ keys: [publicKey] });
    const { send } = chained(options, { parts: { clock, fetch } });
    assertEquals((await send("/", bearer(await token()))).status, 200);
    down = true;
    await clock.advance(3_600_000);
    assertEquals((await send("/", bearer(await token()))).status, 200);
  });

  test("lets nobody in where there never was a key set, and says why in the log", async () => {
    const { token } = await issuer();
    const { send, errors, passed } = chained(options, {
      parts: { fetch: async () => Response.json({ error: "no" }) },
    });
    const answer = await send("/", bearer(await token()));
    assertEquals([answer.status, ((await answer.json()) as { code: string }).code, passed()], [503, "internal", 0]);
    assertEquals(errors[0]!.message, "Cannot get the key set https://issuer.test/jwks: the answer has no list of keys");
  });

  test("asks an issuer that is down once a second at most, however many requests there are, and takes its keys once it is up", async () => {
    const { publicKey, token } = await issuer();
    const clock = createFakeClock();
    let asked = 0;
    let down = true;
    const { send, errors } = chained(options, {
      parts: {
        clock,
        fetch: async () => {
          asked++;
          return down ? new Response("sorry", { status: 503 }) : Response.json({ keys: [publicKey] });
        },
      },
    });
    const ask = async (): Promise<number> => (await send("/", bearer(await token()))).status;
    const many = await Promise.all(Array.from({ length: 50 }, ask));
    assertEquals([new Set(many), asked, errors.length], [new Set([503]), 1, 1]);
    await clock.advance(999);
    assertEquals([await ask(), asked, errors.length], [503, 1, 1]);
    await clock.advance(1);
    assertEquals([await ask(), asked, errors.length], [503, 2, 2]);
    down = false;
    await clock.advance(1000);
    assertEquals([await ask(), asked], [200, 3]);
  });

  test("asks the issuer nothing for requests without a token", async () => {
    let asked = 0;
    const fetch = async (): Promise<Response> => {
      asked++;
      return Response.json({ keys: [] });
    };
    assertEquals([(await chained(options, { parts: { fetch } }).send("/")).status, asked], [401, 0]);
  });
});

describe("the log of a key set that cannot be had", () => {
  test("holds neither the password of its URL nor the runtime's words with it", async () => {
    const uri = "https://u:S3KRET@issuer.test/jwks?token=S3KRET";
    const { send, errors } = chained(`[{jwk: {jwks_uri: '${uri}', alg: [ES256]}}]`, {
      parts: { fetch: async () => Promise.reject(new Error(`cannot connect to ${uri}`)) },
    });
    await send("/", { headers: { authorization: "Bearer e30.e30.x" } });
    assertEquals(
      errors[0]!.message,
      "Cannot get the key set https://xxx@issuer.test/jwks?token=xxx: cannot connect to it",
    );
  });
});

describe("ip_restriction", () => {
  test("goes by the client's address as trusted proxies tell it", async () => {
    const { send } = chained("[{ip_restriction: {allow_list: [192.0.2.0/24, '2001:db8::/32']}}]");
    assertEquals((await send("/", { peer: "192.0.2.9" })).status, 200);
    assertEquals((await send("/", { peer: "2001:db8::1" })).status, 200);
    assertEquals(await refusal(await send("/", { peer: "198.51.100.1" })), [...forbidden]);
    const through = (client: string, proxy: string): Sent => ({ peer: proxy, headers: { "x-forwarded-for": client } });
    assertEquals((await send("/", through("192.0.2.9", "10.0.0.1"))).status, 200);
    assertEquals((await send("/", through("192.0.2.9", "198.51.100.1"))).status, 403);
  });

  test("refuses what is on the deny list even where it is allowed too", async () => {
    const { send } = chained("[{ip_restriction: {allow_list: [192.0.2.0/24], deny_list: [192.0.2.66]}}]");
    assertEquals((await send("/", { peer: "192.0.2.66" })).status, 403);
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
    assertEquals(await refusal(await send("/", form({ origin: "https://evil.test" }))), [...forbidden]);
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

describe("rate_limit", () => {
  test("answers 429 past the limit, until the window is over", async () => {
    const clock = createFakeClock();
    const { send } = chained("[{rate_limit: {limit: 2, window: 30000}}]", { parts: { clock } });
    assertEquals([(await send("/")).status, (await send("/")).status], [200, 200]);
    await clock.advance(10_000);
    const answer = await send("/");
    assertEquals(answer.headers.get("retry-after"), "20");
    assertEquals(await refusal(answer), [429, "application/problem+json", "rate_limited"]);
    assertEquals((await send("/", { peer: "192.0.2.8" })).status, 200);
    await clock.advance(20_000);
    assertEquals((await send("/")).status, 200);
  });

  test("tells clients what is left", async () => {
    const { send } = chained("[{rate_limit: {limit: 2}}]");
    const { headers } = await send("/");
    assertEquals([headers.get("ratelimit-limit"), headers.get("ratelimit-remaining")], ["2", "1"]);
    const silent = await chained("[{rate_limit: {limit: 2, headers: false}}]").send("/");
    assertEquals(silent.headers.get("ratelimit-limit"), null);
  });

  test("counts by a header, and a client without it by its address", async () => {
    const { send } = chained("[{rate_limit: {limit: 1, key: {header: x-api-key}}}]");
    const from = async (key: string | undefined, peer: string): Promise<number> =>
      (await send("/", { peer, headers: key === undefined ? {} : { "x-api-key": key } })).status;
    assertEquals([await from("a", "192.0.2.1"), await from("a", "192.0.2.2")], [200, 429]);
    assertEquals([await from("b", "192.0.2.1"), await from(undefined, "192.0.2.1")], [200, 200]);
    assertEquals(await from(undefined, "192.0.2.1"), 429);
  });

  test("takes all addresses of one IPv6 customer for one client", async () => {
    const { send } = chained("[{rate_limit: {limit: 1}}]");
    assertEquals((await send("/", { peer: "2001:db8:0:1::1" })).status, 200);
    assertEquals((await send("/", { peer: "2001:db8:0:1:ffff::2" })).status, 429);
    assertEquals((await send("/", { peer: "2001:db8:0:2::1" })).status, 200);
  });
});

describe("answers", () => {
  test("secure_headers sets its headers, and those that are switched off not", async () => {
    const { send } = chained(
      "[{secure_headers: {x_frame_options: DENY, referrer_policy: false, content_security_policy: {default_src: [\"'self'\"], upgrade-insecure-requests: []}, permissions_policy: {camera: false}}}]",
    );
    const { headers } = await send("/");
    assertEquals(headers.get("x-frame-options"), "DENY");
    assertEquals(headers.get("referrer-policy"), null);
    assertStringIncludes(headers.get("content-security-policy")!, "default-src 'self'; upgrade-insecure-requests");
    assertEquals(headers.get("permissions-policy"), "camera=()");
  });

  test("compress encodes text a client takes encoded, and nothing twice", async () => {
    const text = "a".repeat(5000);
    const plain = { "content-type": "text/plain" };
    const gzip: Sent = { headers: { "accept-encoding": "gzip, br" } };
    const { send } = chained("[{compress: {}}]", { upstream: () => new Response(text, { headers: plain }) });
    const answer = await send("/", gzip);
    assertEquals([answer.headers.get("content-encoding"), answer.headers.get("content-length")], ["gzip", null]);
    const unzipped = answer.body!.pipeThrough(new DecompressionStream("gzip") as never);
    assertEquals(await new Response(unzipped).text(), text);
    assertEquals((await send("/")).headers.get("content-encoding"), null);

    const encoded = chained("[{compress: {}}]", {
      upstream: () => new Response("0123", { headers: { ...plain, "content-encoding": "br" } }),
    });
    const same = await encoded.send("/", gzip);
    assertEquals([same.headers.get("content-encoding"), await same.text()], ["br", "0123"]);
  });

  test("etag answers 304 to a client that has it already", async () => {
    const { send } = chained("[{etag: {}}]", {
      upstream: () => new Response("hello", { headers: { "content-length": "5" } }),
    });
    const tag = (await send("/")).headers.get("etag")!;
    assertEquals((await send("/", { headers: { "if-none-match": tag } })).status, 304);
    assertEquals(await (await send("/", { headers: { "if-none-match": '"other"' } })).text(), "hello");
  });

  test("etag makes nothing wait that has no known length", async () => {
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1024)) });
    const { send } = chained("[{etag: {}}]", { upstream: () => new Response(endless) });
    const answer = await send("/");
    assertEquals(answer.headers.get("etag"), null);
    await answer.body!.cancel();
  });

  test("cache_control is added where the pod said nothing", async () => {
    const of = async (headers: Record<string, string>, status = 200) => {
      const { send } = chained("[{cache_control: {value: 'max-age=60', vary: [accept-language]}}]", {
        upstream: () => new Response("x", { status, headers }),
      });
      const answer = await send("/");
      return [answer.headers.get("cache-control"), answer.headers.get("vary")];
    };
    assertEquals(await of({}), ["max-age=60", "accept-language"]);
    assertEquals(await of({ "cache-control": "no-store", vary: "origin" }), ["no-store", "origin, accept-language"]);
    assertEquals(await of({}, 404), [null, null]);
  });
});

describe("request_id", () => {
  const { send } = chained("[{request_id: {header_name: X-Correlation-Id}}]", {
    upstream: (_request, headers) => new Response(headers.get("x-correlation-id")),
  });

  test("gives the client and the pod the same id", async () => {
    const answer = await send("/");
    const id = await answer.text();
    assertEquals(answer.headers.get("x-correlation-id"), id);
    assert(id.length >= 16);
    assertNotEquals(await (await send("/")).text(), id);
  });

  test("keeps the client's own where it is fit", async () => {
    const from = async (id: string) => (await send("/", { headers: { "x-correlation-id": id } })).text();
    assertEquals(await from("abc-1"), "abc-1");
    assertNotEquals(await from("a b"), "a b");
  });
});

describe("options of Hono's own", () => {
  test("etag keeps the headers it is given in a 304, beside those that HTTP wants there", async () => {
    const { send } = chained("[{etag: {retained_headers: [x-kept]}}]", {
      upstream: () =>
        new Response("x", {
          headers: { etag: '"a"', vary: "accept", "x-kept": "1", "x-gone": "1", "content-length": "1" },
        }),
    });
    const { status, headers } = await send("/", { headers: { "if-none-match": '"a"' } });
    assertEquals(
      [status, ...["vary", "x-kept", "x-gone"].map((name) => headers.get(name))],
      [304, "accept", "1", null],
    );
  });

  test("secure_headers says where reports go", async () => {
    const options =
      "reporting_endpoints: [{name: a, url: 'https://r.test/a'}], report_to: [{group: b, max_age: 60, endpoints: [{url: 'https://r.test/b'}]}]";
    const { headers } = await chained(`[{secure_headers: {${options}}}]`).send("/");
    assertEquals(headers.get("reporting-endpoints"), 'a="https://r.test/a"');
    assertStringIncludes(headers.get("report-to")!, '"group":"b"');
  });
});
