import { describe, test } from "bun:test";
import { assertEquals, assertNotEquals } from "@std/assert";
import type { HeaderFields } from "../../src/http/header-fields.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { chained, type Sent } from "./support.ts";

const header = (name: string, value: string): Sent => ({ headers: { [name]: value } });

describe("rate_limit", () => {
  test("does not count those whose key is exempt", async () => {
    const { send } = chained("[{rate_limit: {limit: 1, key: {header: x-client}, exempt: [ours]}}]");
    const get = (client: string) => send("/", { headers: { "x-client": client } });
    assertEquals([(await get("theirs")).status, (await get("theirs")).status], [200, 429]);
    const free = [await get("ours"), await get("ours"), await get("ours")];
    assertEquals(
      free.map(({ status, headers }) => [status, headers.has("ratelimit-limit")]),
      [
        [200, false],
        [200, false],
        [200, false],
      ],
    );
  });

  test("refuses with the status and words it is told, and in the older headers", async () => {
    const { send } = chained(
      "[{rate_limit: {limit: 1, window: 5000, headers: x-ratelimit, status: 503, message: slow}}]",
    );
    const quota = ({ headers }: Response) =>
      ["limit", "remaining", "reset"].map((name) => headers.get(`x-ratelimit-${name}`));
    const first = await send("/");
    assertEquals([first.status, quota(first), first.headers.get("ratelimit-limit")], [200, ["1", "0", "5"], null]);
    const second = await send("/");
    const { code, detail, status } = (await second.json()) as Record<string, unknown>;
    assertEquals([second.status, code, detail, status], [503, "rate_limited", "slow", 503]);
    assertEquals([quota(second), second.headers.get("retry-after")], [["1", "0", "5"], "5"]);
  });

  test("counts one path and one host once, however they are spelled", async () => {
    const path = chained("[{rate_limit: {limit: 1, key: path}}]");
    for (const spelled of [
      "/a/login",
      "/a/%6cogin",
      "/a//login",
      "/a%2Flogin",
      "/a/login;v=1",
      "/a%5clogin",
      "/a;%2Fb/login",
    ]) {
      assertEquals((await path.send(spelled)).status, spelled === "/a/login" ? 200 : 429, spelled);
    }
    assertEquals((await path.send("/a/logout")).status, 200);
    const host = chained("[{rate_limit: {limit: 1, key: host}}]");
    const statuses = [];
    for (const name of ["shop.test", "SHOP.test", "shop.test.", "shop.test:80"]) {
      statuses.push((await host.send("/", { host: name })).status);
    }
    assertEquals(statuses, [200, 429, 429, 429]);
  });

  test("counts by several parts together, by a parameter, and by the consumer", async () => {
    const both = chained("[{rate_limit: {limit: 1, key: [client_ip, {query: user}]}}]");
    const codes = [await both.send("/?user=a"), await both.send("/?user=b"), await both.send("/?user=a")];
    assertEquals(
      codes.map(({ status }) => status),
      [200, 200, 429],
    );
    const keys = "{key_auth: {consumers: [{name: jack, key: one}, {name: rose, key: two}]}}";
    const who = chained(`[${keys}, {rate_limit: {limit: 1, key: consumer}}]`);
    const sent = [await who.send("/", header("x-api-key", "one")), await who.send("/", header("x-api-key", "two"))];
    sent.push(await who.send("/", { ...header("x-api-key", "one"), peer: "192.0.2.99" }));
    assertEquals(
      sent.map(({ status }) => status),
      [200, 200, 429],
    );
  });
});

describe("throttle", () => {
  test("takes one at a time and refuses what comes sooner", async () => {
    const clock = createFakeClock();
    const { send } = chained("[{throttle: {rate: 2, status: 503}}]", { parts: { clock } });
    assertEquals([(await send("/")).status, (await send("/")).status], [200, 503]);
    await clock.advance(499);
    assertEquals((await send("/")).status, 503);
    await clock.advance(1);
    assertEquals([(await send("/")).status, (await send("/", { peer: "192.0.2.9" })).status], [200, 200]);
  });

  test("has up to burst requests wait for their turn", async () => {
    const clock = createFakeClock();
    const { send, passed } = chained("[{throttle: {rate: 1, burst: 2}}]", { parts: { clock } });
    const sent = [send("/"), send("/"), send("/"), send("/")];
    assertEquals((await sent[3]!).status, 429);
    await clock.settle();
    assertEquals(passed(), 1);
    await clock.advance(1000);
    assertEquals([(await sent[1]!).status, passed()], [200, 2]);
    await clock.advance(1000);
    assertEquals([(await sent[2]!).status, passed()], [200, 3]);
  });

  test("does not ask the pod for a client that left while it waited, which is no fault, and leaves no timer", async () => {
    const clock = createFakeClock();
    const { send, passed, errors } = chained("[{throttle: {rate: 1, burst: 1}}]", { parts: { clock } });
    assertEquals((await send("/")).status, 200);
    const client = new AbortController();
    const waiting = send("/", { signal: client.signal });
    await clock.settle();
    client.abort();
    assertEquals([(await waiting).status, passed(), errors.length, clock.pending], [499, 1, 0, 0]);
  });

  test("lets the burst pass at once without a delay", async () => {
    const { send } = chained("[{throttle: {rate: 1, burst: 1, delay: false}}]");
    const codes = [(await send("/")).status, (await send("/")).status, (await send("/")).status];
    assertEquals(codes, [200, 200, 429]);
  });
});

describe("concurrency_limit", () => {
  test("counts a request until its answer is complete, or its client left", async () => {
    const { send } = chained("[{concurrency_limit: {limit: 2, message: busy}}]", {
      upstream: () => new Response(new Blob(["a", "b"]).stream()),
    });
    const [one, two] = [await send("/"), await send("/")];
    const third = await send("/");
    assertEquals([third.status, ((await third.json()) as { detail: string }).detail], [429, "busy"]);
    assertEquals(await one.text(), "ab");
    const again = await send("/");
    assertEquals([again.status, (await send("/")).status], [200, 429]);
    await two.body!.cancel();
    assertEquals((await send("/")).status, 200);
  });

  test("gives back what it counted for every kind of answer, twice over", async () => {
    const answers = [
      () => new Response(null, { status: 204 }),
      () => new Response(null, { status: 304 }),
      () => new Response("x"),
      () => new Response(new Blob(["a", "b"]).stream(), { status: 500 }),
      () => Promise.reject(new Error("broken")),
    ];
    for (const method of ["GET", "HEAD", "POST"]) {
      for (const upstream of [...answers, ...answers]) {
        const { send } = chained("[{concurrency_limit: {limit: 1}}]", { upstream });
        for (let n = 0; n < 3; n++) {
          const answer = await send("/", { method });
          assertNotEquals(answer.status, 429);
          await answer.text();
        }
      }
    }
  });

  test("gives back what it counted where another middleware answers in place of the pod", async () => {
    const { send } = chained("[{etag: {}}, {concurrency_limit: {limit: 1}}]", {
      upstream: () => new Response("x", { headers: { etag: '"a"', "content-length": "1" } }),
    });
    for (let n = 0; n < 3; n++) {
      assertEquals((await send("/", header("if-none-match", '"a"'))).status, 304);
    }
  });

  test("gives back what it counted where the answer cannot be read", async () => {
    const kept = new Response("once");
    const locked = (): Response => {
      const answer = new Response("locked");
      answer.body!.getReader();
      return answer;
    };
    for (const answer of [() => kept, locked]) {
      const { send } = chained("[{concurrency_limit: {limit: 1}}]", { own: [async () => answer()] });
      for (let sent = 0; sent < 3; sent++) {
        const { status, body } = await send("/");
        assertNotEquals(status, 429);
        await new Response(body).text().catch(() => {});
      }
    }
  });

  test("counts a request that fails no longer", async () => {
    const { send, errors } = chained("[{concurrency_limit: {limit: 1}}]", {
      upstream: () => Promise.reject(new Error("broken")),
    });
    const ask = async (): Promise<unknown> => ((await (await send("/")).json()) as { code: unknown }).code;
    assertEquals([await ask(), await ask(), errors.length], ["internal", "internal", 2]);
  });
});

describe("https_redirect", () => {
  test("sends http to https, and keeps the method of what is no GET", async () => {
    const { send, passed } = chained("[{https_redirect: {port: 8443}}]");
    const answer = await send("/a%20b?q=1");
    assertEquals([answer.status, answer.headers.get("location")], [301, "https://gateway.test:8443/a%20b?q=1"]);
    assertEquals([(await send("/", { method: "POST" })).status, passed()], [308, 0]);
    assertEquals((await chained("[{https_redirect: {}}]").send("/")).headers.get("location"), "https://gateway.test/");
  });

  test("believes a trusted proxy that it was https, and nobody else", async () => {
    const { send } = chained("[{https_redirect: {}}]");
    const sent = header("x-forwarded-proto", "https");
    assertEquals([(await send("/", sent)).status, (await send("/", { ...sent, peer: "10.0.0.1" })).status], [301, 200]);
  });
});

describe("set_headers", () => {
  test("puts parts of the request into headers for the pod, and nothing that is no header", async () => {
    let got: HeaderFields | undefined;
    const { send } = chained(
      "[{set_headers: {x-real-ip: '{client_ip}', x-was: '{header.x-a}/{cookie.c}', x-q: '{query.q}', x-fix: a b}}]",
      {
        forwarded: ({ headers }) => {
          got = headers;
        },
      },
    );
    await send("/?q=%0d%0aé", { headers: { "x-a": "a?b", cookie: "c=1", "x-real-ip": "mine" } });
    assertEquals(
      ["x-real-ip", "x-was", "x-q", "x-fix"].map((name) => got!.get(name)),
      ["192.0.2.7", "a?b/1", "%0D%0A%C3%A9", "a b"],
    );
  });
});

describe("a header, a parameter or a list of them made of parts of the request", () => {
  const seen = async (entries: string, sent: Sent = {}) => {
    let got: HeaderFields | undefined;
    await chained(entries, {
      forwarded: ({ headers }) => {
        got = headers;
      },
    }).send("/?q=1&empty=", sent);
    return got!;
  };

  test("is none where the request has none of its parts, and the client's own does not stand in", async () => {
    const set =
      "[{set_headers: {x-a: '{header.x-none}', x-b: '{cookie.sid}{query.none}', x-c: 'id={cookie.sid}', x-d: '{query.empty}'}}]";
    const got = await seen(set, { headers: { "x-a": "mine", "x-b": "mine" } });
    assertEquals(
      ["x-a", "x-b", "x-c", "x-d"].map((name) => got.get(name)),
      [null, null, "id=", ""],
    );
  });

  test("may be several of one name", async () => {
    const got = await seen("[{set_headers: {x-tag: ['q{query.q}', '{header.x-none}', 'fix']}}]", {
      headers: { "x-tag": "mine" },
    });
    assertEquals(got.get("x-tag"), "q1, fix");
  });
});

describe("set_method", () => {
  test("asks the pod with another method, without a body where it can have none", async () => {
    const seen: unknown[] = [];
    const setup = {
      forwarded: ({ method, headers }: { method: string; headers: HeaderFields }) =>
        void seen.push([method, headers.get("content-type")]),
    };
    const sent: Sent = { method: "POST", body: "x", ...header("content-type", "text/plain") };
    await chained("[{set_method: {method: get}}]", setup).send("/", sent);
    await chained("[{set_method: {method: PUT}}]", setup).send("/", sent);
    assertEquals(seen, [
      ["GET", null],
      ["PUT", "text/plain"],
    ]);
  });
});
