import { afterAll, beforeAll, describe, test } from "bun:test";
import { join } from "node:path";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { gatewayTo } from "../../conformance/support.ts";
import type { GatewayProcess } from "../../helpers/gateway-process.ts";
import { needed, type Ran, requestsOf, run, sameBothWays } from "./compare.ts";
import { type RecordingPod, recordingPod } from "./recording-pod.ts";

const FIXTURES = join(import.meta.dir, "../../fixtures/tls");

let pod: RecordingPod;
let plain: GatewayProcess;
let secure: GatewayProcess;
beforeAll(async () => {
  pod = await recordingPod();
  const tls = { cert_file: join(FIXTURES, "server.crt"), key_file: join(FIXTURES, "server.key") };
  [plain, secure] = await Promise.all([gatewayTo([pod.port]), gatewayTo([pod.port], { server: { tls } })]);
});
afterAll(async () => {
  await Promise.all([plain.stop(), secure.stop()]);
  pod.stop();
});

const UNFRAMED = /\/(chunks|close)$/;
const HOP = /^(connection|keep-alive|transfer-encoding)$/i;
const HOP_OR_LENGTH = /^(connection|keep-alive|transfer-encoding|content-length)$/i;

/** Fields of one hop are each connection's own. */
const lines = (output: string): unknown[] =>
  output
    .trim()
    .split("\n")
    .map((line) => {
      const got = JSON.parse(line) as {
        asked?: string[];
        headers?: [string, string][];
        Asked?: string;
        Header?: Record<string, string[]>;
      };
      // An answer that came without a length may be given one, where it is there whole.
      const unframed = UNFRAMED.test(got.asked?.[1] ?? got.Asked ?? "");
      if (got.Header !== undefined) {
        const { "Content-Length": length, ...rest } = got.Header;
        return unframed ? { ...got, Header: rest, Length: 0, Coding: 0 } : { ...got, Header: { ...rest, length } };
      }
      const hop = unframed ? HOP_OR_LENGTH : HOP;
      return { ...got, headers: got.headers!.filter(([name]) => !hop.test(name)) };
    });

describe("through the gateway the same as at the pod is seen", () => {
  test("by Python's http.client, over one connection", async () => {
    const python = needed("python3");
    const ask = (url: string): Promise<Ran> => run([python, join(import.meta.dir, "http_client.py"), url]);
    await sameBothWays(pod, plain.url, ask, lines);
    assertEquals(pod.requests.length, 15);
  });

  test("by Go's client, trailers and interim answers too", async () => {
    const go = needed("go");
    const ask = (url: string): Promise<Ran> =>
      run([go, "run", join(import.meta.dir, "client.go"), url], { env: { GO111MODULE: "off" } });
    await sameBothWays(pod, plain.url, ask, lines);
    assertEquals(pod.requests.length, 20);
  });
});

/** A program that makes load: so many requests, all of them answered, and each as it would have been at the pod. */
async function load(
  program: string,
  args: (url: string) => string[],
  front: GatewayProcess,
  atLeast: number,
): Promise<Ran> {
  const path = needed(program);
  pod.requests.length = 0;
  const direct = await run([path, ...args(`http://127.0.0.1:${pod.port}`)]);
  const [wanted] = requestsOf(pod.requests);
  pod.requests.length = 0;
  const ran = await run([path, ...args(front.url)]);
  assertEquals([direct.code, ran.code], [0, 0], ran.stderr);
  assert(
    pod.requests.length >= atLeast,
    `${pod.requests.length} requests of ${atLeast} reached the pod: ${ran.stdout}`,
  );
  for (const got of requestsOf(pod.requests)) assertEquals(got, wanted);
  return ran;
}

describe("all requests are answered", () => {
  test("that wrk makes, kept alive", async () => {
    const { stdout } = await load("wrk", (url) => ["-t1", "-c16", "-d2s", `${url}/x`], plain, 1);
    assert(!/Non-2xx|Socket errors/.test(stdout), stdout);
    assertGreater(pod.requests.length, 100);
  });

  test("that wrk makes in a pipeline", async () => {
    const script = join(import.meta.dir, "pipeline.lua");
    const { stdout } = await load("wrk", (url) => ["-t1", "-c8", "-d2s", "-s", script, `${url}/x`], plain, 1);
    assert(!/Non-2xx|Socket errors/.test(stdout), stdout);
    assertGreater(pod.requests.length, 100);
  });

  test("that hey makes, kept alive or not", async () => {
    for (const more of [[], ["-disable-keepalive"]]) {
      const { stdout } = await load("hey", (url) => ["-n", "400", "-c", "8", ...more, `${url}/x`], plain, 400);
      assert(/\[200\]\s+400 responses/.test(stdout), stdout);
    }
  });

  test("that h2load makes over HTTP/1.1", async () => {
    const { stdout } = await load("h2load", (url) => ["--h1", "-n", "500", "-c", "5", `${url}/x`], plain, 500);
    assert(/500 total, 500 started, 500 done, 500 succeeded/.test(stdout), stdout);
  });

  for (const [way, front] of [
    ["TLS", () => secure],
    ["a plain port", () => plain],
  ] as const) {
    test(`that h2load makes over HTTP/2 on ${way}, many at a time`, async () => {
      const h2load = needed("h2load");
      pod.requests.length = 0;
      const { code, stdout, stderr } = await run([
        h2load,
        "-n",
        "1000",
        "-c",
        "4",
        "-m",
        "50",
        `${front().url}/binary`,
      ]);
      assertEquals(code, 0, stderr);
      assert(/1000 total, 1000 started, 1000 done, 1000 succeeded, 0 failed, 0 errored/.test(stdout), stdout);
      assertEquals(pod.requests.length, 1000);
    });
  }
});
