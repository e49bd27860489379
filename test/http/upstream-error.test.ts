import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { classify, UpstreamError } from "../../src/http/upstream-error.ts";

/** Deno's errors say what happened in their cause, between addresses and the URL that was asked for. */
const deno = (what: string, url = "http://10.0.0.1:80/"): Error => {
  const cause = new Error(`error sending request from 10.0.0.2:5 for ${url} (10.0.0.1:80): ${what}`);
  return new TypeError("fetch failed", { cause });
};

describe("what went wrong with a pod, on runtimes that give no code", () => {
  test.each([
    ["client error (Connect): tcp connect error: Connection refused (os error 111)", "connect"],
    ["client error (Connect): invalid peer certificate: UnknownIssuer", "tls"],
    ["client error (SendRequest): connection closed before message completed", "reset"],
    ["client error (SendRequest): invalid HTTP version parsed", "invalid"],
  ] as const)("%s", (what, failure) => assertEquals(classify(deno(what)), failure));

  test("is not guessed from words of the URL", () => {
    const url = "http://10.0.0.1/tls/certificate";
    assertEquals(classify(deno("client error (SendRequest): connection reset", url)), "reset");
  });

  test("a port that fetch never asks is no pod's fault", () => {
    assertEquals(classify(new TypeError("Fetch failed: Requests to port 9 are blocked")), "refused");
  });

  test("Workers tell a lost connection", () => {
    assertEquals(classify(new Error("Network connection lost.")), "reset");
  });
});

describe("what went wrong with a pod", () => {
  const coded = (code: string): Error => Object.assign(new Error("it failed"), { code });
  const cases: Readonly<Record<string, readonly string[]>> = {
    connect: ["ECONNREFUSED", "ConnectionRefused", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ETIMEDOUT"],
    reset: ["ECONNRESET", "EPIPE", "ConnectionClosed", "ESOMETHING"],
    invalid: ["Malformed_HTTP_Response", "HTTPHeadersOverflow", "UnexpectedChunkedBody"],
    tls: ["EPROTO", "CERT_HAS_EXPIRED", "SELF_SIGNED_CERT_IN_CHAIN", "ERR_TLS_CERT_ALTNAME_INVALID", "SOME_TLS_ERROR"],
    refused: ["ERR_INVALID_ARG_VALUE"],
  };
  for (const [failure, codes] of Object.entries(cases)) {
    test.each([...codes])(`is ${failure} by the code %s, of the error or of its cause`, (code) => {
      assertEquals(classify(coded(code)), failure as "reset");
      assertEquals(classify(new TypeError("fetch failed", { cause: coded(code) })), failure as "reset");
    });
  }

  test("is what an error of ours says, and aborted where a signal ended it or nothing else is known", () => {
    assertEquals(classify(new UpstreamError("tls", "no")), "tls");
    for (const name of ["AbortError", "TimeoutError"])
      assertEquals(classify(new DOMException("over", name)), "aborted");
    for (const odd of [undefined, null, "gone", 7]) assertEquals(classify(odd), "aborted");
    assertEquals(classify(new DOMException("over", "NetworkError")), "reset");
    assertEquals(classify(Object.assign(new Error("connection refused"), { code: 7 })), "connect", "a code is a text");
  });
});
