import { describe, test } from "bun:test";
import { assertEquals, assertNotMatch, assertThrows } from "@std/assert";
import { forwardProxy, isThisMachine } from "../../src/kubernetes/forward-proxy.ts";

const PROXY = "http://proxy.test:3128";
const env = { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY };

describe("a forward proxy", () => {
  test("is never asked for this machine, whatever the environment or the config says", () => {
    for (const host of [
      "localhost",
      "LOCALHOST",
      "api.localhost",
      "127.0.0.1",
      "127.9.9.9",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "0.0.0.0",
      "localhost.",
    ]) {
      assertEquals(forwardProxy(`https://${host}:6443/api`, env), undefined, host);
      assertEquals(forwardProxy(`http://${host}/api`, env, PROXY), undefined, host);
    }
    assertEquals(["10.0.0.1", "128.0.0.1", "localhost.example.org"].map(isThisMachine), [false, false, false]);
  });

  test("is the environment's for the scheme, in either case, and the config's before it", () => {
    const of = (url: string, given: Record<string, string>, own?: string) => forwardProxy(url, given, own);
    assertEquals(of("https://api.test", { HTTPS_PROXY: PROXY }), PROXY);
    assertEquals(of("https://api.test", { https_proxy: PROXY }), PROXY);
    assertEquals(of("https://api.test", { HTTP_PROXY: PROXY }), undefined);
    assertEquals(of("http://api.test", { HTTP_PROXY: "proxy.test:3128" }), PROXY);
    assertEquals(of("https://api.test", {}), undefined);
    assertEquals(of("https://api.test", { HTTPS_PROXY: "http://other.test", NO_PROXY: "*" }, PROXY), PROXY);
  });

  const NEVER: [noProxy: string, url: string, direct: boolean][] = [
    ["*", "https://api.test", true],
    ["api.test", "https://api.test:6443", true],
    ["API.test", "https://api.TEST", true],
    ["test", "https://api.test", true],
    ["pi.test", "https://api.test", false],
    [".test", "https://api.test", true],
    [".api.test", "https://api.test", false],
    ["*.test", "https://api.test", true],
    ["api.test:443", "https://api.test", true],
    ["api.test:6443", "https://api.test", false],
    ["10.0.0.0/8", "https://10.96.0.1", true],
    ["10.0.0.0/8", "https://11.96.0.1", false],
    ["10.96.0.1", "https://10.96.0.1:6443", true],
    ["10.96.0.1:6443", "https://10.96.0.1:443", false],
    ["fd00::/8", "https://[fd12::1]:6443", true],
    ["FD00:0:0::1", "https://[fd00::1]", true],
    ["[fd00::1]:6443", "https://[fd00::1]:6443", true],
    ["[fd00::1]:6443", "https://[fd00::1]", false],
    ["other.test, ,api.test", "https://api.test", true],
    ["", "https://api.test", false],
  ];
  for (const [noProxy, url, direct] of NEVER) {
    test(`is ${direct ? "not " : ""}used for ${url} with NO_PROXY=${noProxy}`, () => {
      assertEquals(forwardProxy(url, { ...env, NO_PROXY: noProxy }), direct ? undefined : PROXY);
    });
  }

  test("that is none we can use is refused without being shown", () => {
    for (const [given, own] of [
      [{ HTTPS_PROXY: "socks5://me:sEcReT@p" }, undefined],
      [{}, "ftp://me:sEcReT@p"],
    ] as const) {
      const error = assertThrows(() => forwardProxy("https://api.test", given, own), Error, "http or https proxy");
      assertNotMatch((error as Error).message, /sEcReT/);
    }
  });
});
