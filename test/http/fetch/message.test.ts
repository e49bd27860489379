import { describe, test } from "bun:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { requestOf, responseOf } from "../../../src/http/fetch/message.ts";
import { Fields } from "../../../src/http/header-fields.ts";
import type { ClientRequest, HttpAnswer } from "../../../src/http/message.ts";
import { PushedBody, sourceOfPieces } from "../../helpers/body.ts";
import { until } from "../../helpers/wait.ts";

const answer = (parts: Partial<HttpAnswer>): HttpAnswer => ({
  status: 200,
  statusText: "",
  headers: new Fields(),
  body: null,
  ...parts,
});

const request = (parts: Partial<ClientRequest>): ClientRequest => ({
  method: "POST",
  url: "/a//b?c=%20",
  headers: new Fields(),
  body: null,
  signal: new AbortController().signal,
  ...parts,
});

describe("an answer as a Response", () => {
  test("is itself where it is one", () => {
    const response = new Response("x");
    assert(responseOf(response) === response);
  });

  test("keeps its status, its reason, its fields and its bytes", async () => {
    const headers = Fields.from([
      ["X-A", "1"],
      ["Set-Cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["x-l", "\u00e9"],
    ]);
    const bodies: [HttpAnswer["body"], string][] = [
      [null, ""],
      ["caf\u00e9", "caf\u00e9"],
      [new TextEncoder().encode("bytes"), "bytes"],
      [sourceOfPieces(["pie", "ces"]), "pieces"],
      [new Response("stream").body, "stream"],
    ];
    for (const [body, text] of bodies) {
      const response = responseOf(answer({ status: 404, statusText: "Gone Fishing", headers, body }));
      assertEquals([response.status, response.statusText], [404, "Gone Fishing"]);
      assertEquals(response.headers.getSetCookie(), ["a=1", "b=2"]);
      assertEquals([response.headers.get("x-a"), response.headers.get("x-l")], ["1", "\u00e9"]);
      assertEquals(response.headers.get("content-type"), null);
      assertEquals(await response.text(), text);
    }
  });

  test("keeps the content type that it has", async () => {
    const headers = Fields.from([["content-type", "a/b"]]);
    for (const body of ["x", new Uint8Array([120])]) {
      const response = responseOf(answer({ headers, body }));
      assertEquals([response.headers.get("content-type"), await response.text()], ["a/b", "x"]);
    }
  });

  test("has no body where its status has none, and that is let go of", () => {
    for (const status of [204, 205, 304]) {
      const body = new PushedBody();
      assertEquals(responseOf(answer({ status, body })).body, null);
      assertEquals(body.cancelled.length, 1);
    }
  });

  test("whose fields are none of HTTP's is an error, and its body is let go of", () => {
    const body = new PushedBody();
    assertThrows(() => responseOf(answer({ headers: Fields.from([["a b", "1"]]), body })), TypeError);
    assertEquals(body.cancelled.length, 1);
  });
});

describe("a client's request as a Request", () => {
  test("is itself where it is one", () => {
    const one = new Request("http://a.test/");
    assert(requestOf(one, "http://b.test") === one);
  });

  test("has an absolute URL, its method, its fields and its body", async () => {
    const headers = Fields.from([
      ["X-A", "1"],
      ["x-a", "2"],
      ["Host", "a.test"],
    ]);
    const made = requestOf(request({ headers, body: sourceOfPieces(["pie", "ces"]) }), "https://a.test:8443");
    assertEquals([made.method, made.url], ["POST", "https://a.test:8443/a//b?c=%20"]);
    assertEquals([made.headers.get("x-a"), made.headers.get("host")], ["1, 2", "a.test"]);
    assertEquals(await made.text(), "pieces");
    const whole = requestOf(request({ url: "http://c.test/x" }), "http://a.test");
    assertEquals([whole.url, whole.body], ["http://c.test/x", null]);
    assertEquals(requestOf(request({ method: "OPTIONS", url: "*" }), "http://a.test").url, "http://a.test/*");
  });

  test("of a GET has no body, and leaves the client's alone", () => {
    const body = new PushedBody();
    assertEquals(requestOf(request({ method: "GET", body }), "http://a.test").body, null);
    assertEquals([body.sink, body.cancelled], [undefined, []]);
  });

  test("asks for the body with an interim answer, when it is first read, where its client waits for one", async () => {
    for (const expectsContinue of [true, false]) {
      const sent: number[] = [];
      const body = new PushedBody();
      const interim = ({ status }: { status: number }): void => void sent.push(status);
      const made = requestOf(request({ body, expectsContinue, interim }), "http://a.test");
      await Promise.resolve();
      assertEquals([sent, body.sink], [[], undefined]);
      const reading = made.text();
      await until(() => body.sink !== undefined, "the body to flow");
      assertEquals(sent, expectsContinue ? [100] : []);
      body.push("x");
      body.sink!.end(undefined);
      assertEquals(await reading, "x");
      assertEquals(sent.length, expectsContinue ? 1 : 0);
    }
  });

  test("is aborted when its client leaves, or has left", async () => {
    const gone = new EventTarget();
    const signal = {
      aborted: false,
      addEventListener: (type: "abort", listener: () => void) => gone.addEventListener(type, listener),
      removeEventListener: (type: "abort", listener: () => void) => gone.removeEventListener(type, listener),
    } as ClientRequest["signal"];
    const made = requestOf(request({ signal }), "http://a.test");
    assertEquals(made.signal.aborted, false);
    gone.dispatchEvent(new Event("abort"));
    assertEquals(made.signal.aborted, true);
    assert(requestOf(request({ signal: { ...signal, aborted: true } }), "http://a.test").signal.aborted);
    const body = new PushedBody();
    const reading = requestOf(request({ body }), "http://a.test").text();
    await until(() => body.sink !== undefined, "the body to flow");
    body.sink!.fail(new RangeError("the client left"));
    await assertRejects(() => reading, RangeError);
  });
});
