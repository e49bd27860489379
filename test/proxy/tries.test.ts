import { describe, test } from "bun:test";
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import type { RouteConfig } from "../../src/config/schema.ts";
import { closedPort } from "../helpers/closed-port.ts";
import { answerWith, leavesNothing, type RawPod, rawPod, startRig } from "./helpers.ts";

leavesNothing();
const silent = async (): Promise<RawPod> => await rawPod(() => {});
const healthy = async (): Promise<RawPod> => await rawPod((socket) => socket.write(answerWith("ok")));
const codeOf = async (response: Response): Promise<string> => ((await response.json()) as { code: string }).code;
const health = { passive: false, active: false } as const;
const on: RouteConfig["retries"]["on"] = ["connect", "reset", "timeout"];

describe("an attempt that takes longer than timeouts.try", () => {
  test.each(["GET", "HEAD", "DELETE"])("is followed by another address, for %s", async (method) => {
    const [slow, good] = [await silent(), await healthy()];
    const rule = { health, timeouts: { try: 1000 }, retries: { attempts: 2, on } };
    const { url } = startRig({ pods: [slow.port, good.port], rule });
    const answers = await Promise.all(Array.from({ length: 4 }, () => fetch(url, { method })));
    assertEquals(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    );
    assertGreater(slow.requests.length, 0);
  });

  test("is the last of a request that cannot be repeated, or whose route does not say so", async () => {
    const [slow, good] = [await silent(), await healthy()];
    const both = async (method: string, on: RouteConfig["retries"]["on"]): Promise<number[]> => {
      const rule = { health, timeouts: { try: 1000 }, retries: { attempts: 2, on } };
      const { url } = startRig({ pods: [slow.port, good.port], rule });
      const body = method === "GET" ? undefined : "x";
      const answers = await Promise.all([fetch(url, { method, body }), fetch(url, { method, body })]);
      return answers.map(({ status }) => status).sort();
    };
    assertEquals(await both("POST", on), [200, 504]);
    assertEquals(await both("GET", ["connect", "reset", 504]), [200, 504]);
  });

  test("counts against its pod, and the answer that comes too late is not waited for", async () => {
    const [slow, good] = [await silent(), await healthy()];
    const { url, pool } = startRig({
      pods: [slow.port, good.port],
      rule: { timeouts: { try: 1000 }, retries: { attempts: 2, on } },
    });
    for (let i = 0; i < 5; i++) assertEquals((await fetch(url)).status, 200);
    assertEquals(
      pool.targetStates().find(({ endpoint }) => endpoint.port === slow.port)?.ejectedUntil !== undefined,
      true,
    );
    assertEquals(slow.requests.length, 2);
    assertEquals(
      pool.targetStates().map(({ inFlight }) => inFlight),
      [0, 0],
    );
  });

  test("leaves the rest of timeouts.response to the others: it covers all of them", async () => {
    const pods = await Promise.all(Array.from({ length: 12 }, silent));
    const rule = { health, timeouts: { try: 200, response: 1500 }, retries: { attempts: "all" as const, on } };
    const { url } = startRig({ pods: pods.map(({ port }) => port), rule });
    const response = await fetch(url);
    assertEquals([response.status, await codeOf(response)], [504, "upstream_timeout"]);
    const asked = pods.filter(({ requests }) => requests.length > 0).length;
    assertGreater(asked, 1);
    assertLess(asked, 9);
  });
});

describe("retries.attempts: all", () => {
  test("asks every address until one answers, however many there are", async () => {
    const good = await healthy();
    const dead = await Promise.all(Array.from({ length: 14 }, closedPort));
    const rule = { health, retries: { attempts: "all" as const, on } };
    const { url } = startRig({ pods: [...dead, good.port], rule });
    for (let i = 0; i < 4; i++) assertEquals((await fetch(url, { method: "POST", body: "x" })).status, 200);
  });

  test("asks each address once", async () => {
    const pods = await Promise.all(
      Array.from(
        { length: 3 },
        async () => await rawPod((socket) => socket.write("HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n")),
      ),
    );
    const rule = { health, retries: { attempts: "all" as const, on: [500 as const] } };
    const { url } = startRig({ pods: pods.map(({ port }) => port), rule });
    assertEquals((await fetch(url)).status, 500);
    assertEquals(
      pods.map(({ requests }) => requests.length),
      [1, 1, 1],
    );
  });
});

describe("a route's keepalive", () => {
  test("ends connections to its pods between requests, of which none is lost", async () => {
    const sockets = new Set<unknown>();
    const pod = await rawPod((socket) => {
      sockets.add(socket);
      socket.write(answerWith("ok"));
    });
    const { url } = startRig({ pods: [pod.port], rule: { keepalive: { requests: 5, age: 0 } } });
    for (let i = 0; i < 40; i++) assertEquals((await fetch(url)).status, 200);
    assertGreater(sockets.size, 7);
    assertLess(sockets.size, 12);
  });
});
