import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { classify } from "../../src/http/upstream-error.ts";

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
