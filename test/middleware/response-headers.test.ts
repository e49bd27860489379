import { describe, test } from "bun:test";
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { chained, type Sent } from "./support.ts";

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
