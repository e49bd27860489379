import { describe, test } from "bun:test";
import { assert, assertEquals, assertGreater, assertMatch, assertNotMatch } from "@std/assert";
import { staticUpstream } from "../../src/balancing/static-upstream.ts";
import type { Endpoint, Upstream } from "../../src/discovery/types.ts";
import { fetchTransport } from "../../src/http/fetch/transport.ts";
import { closedPort } from "../helpers/closed-port.ts";
import { until } from "../helpers/wait.ts";
import {
  answerWith,
  fieldValues,
  leavesNothing,
  type RawPod,
  type Rig,
  rawClient,
  rawPod,
  rawRequest,
  startRig,
} from "./helpers.ts";

leavesNothing();
const pod = async (answer: Parameters<typeof rawPod>[0]): Promise<RawPod> => await rawPod(answer);
const rig = (options: Parameters<typeof startRig>[0]): Rig => startRig(options);
const healthy = (): Promise<RawPod> => pod((socket) => socket.write(answerWith("ok")));
const codeOf = async (response: Response): Promise<string> => ((await response.json()) as { code: string }).code;

describe("a pod that cannot be reached", () => {
  test("is passed over for another address, for every method, body and all", async () => {
    const good = await healthy();
    const dead = await closedPort();
    const { url } = rig({ pods: [dead, good.port], rule: { health: { passive: false, active: false } } });
    for (let i = 0; i < 10; i++) {
      for (const method of ["GET", "POST", "PATCH", "DELETE"]) {
        const body = method === "POST" || method === "PATCH" ? "x".repeat(i * 20_000) : undefined;
        assertEquals((await fetch(url, { method, body })).status, 200, `${method} ${i}`);
      }
    }
  });

  test("is not asked twice by one request: with no other address the answer is 502", async () => {
    const dead = await closedPort();
    const { url, logged } = rig({ pods: [dead], rule: { retries: { attempts: 5, on: ["connect"] } } });
    const response = await fetch(url);
    assertEquals([response.status, response.headers.get("content-type")], [502, "application/problem+json"]);
    const text = await response.text();
    assertEquals((JSON.parse(text) as { code: string }).code, "upstream_connect");
    assertNotMatch(text, /127\.0\.0\.1/);
    assertEquals(logged.length, 1);
    assertMatch(String(logged[0]!.upstream), /^127\.0\.0\.1:/);
  });

  test("is ejected after two failures and then not asked at all", async () => {
    const good = await healthy();
    const dead = await closedPort();
    const { url, pool } = rig({ pods: [dead, good.port] });
    for (let i = 0; i < 8; i++) assertEquals((await fetch(url)).status, 200);
    assert(pool.targetStates().find(({ endpoint }) => endpoint.port === dead)?.ejectedUntil !== undefined);
  });

  test("costs the pods nothing: no budget bounds how often another is tried", async () => {
    const good = await healthy();
    const dead = await closedPort();
    const budget = { request: () => {}, take: () => false };
    const rule = { health: { passive: false as const, active: false as const } };
    const { url } = rig({ pods: [dead, good.port], budget, rule });
    const statuses = await Promise.all(Array.from({ length: 4 }, async () => (await fetch(url)).status));
    assertEquals(statuses, [200, 200, 200, 200]);
  });
});

describe("a connection that breaks before the answer", () => {
  const breaking = (): Promise<RawPod> => pod((socket) => socket.resetAndDestroy());
  const rule = { health: { passive: false as const, active: false as const } };

  test("is tried elsewhere where twice is as good as once, and only there", async () => {
    const [bad, good] = [await breaking(), await healthy()];
    const { url } = rig({ pods: [bad.port, good.port], rule });
    for (let i = 0; i < 6; i++) assertEquals((await fetch(url)).status, 200);
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await fetch(url, { method: "POST", body: `n=${i}` })).status);
    assertEquals(statuses.sort(), [200, 200, 200, 502, 502, 502]);
    const posts = [...bad.requests, ...good.requests].filter((request) => request.startsWith("POST"));
    assertEquals(posts.length, 6);
  });

  test("is tried elsewhere only while the service's budget lasts", async () => {
    const [bad, good] = [await breaking(), await healthy()];
    const budget = { request: () => {}, take: () => false };
    const { url } = rig({ pods: [bad.port, good.port], budget, rule });
    const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await fetch(url)).status));
    // Which of the two a request meets first depends on how they come in between each other.
    const got = (status: number): number => statuses.filter((one) => one === status).length;
    assertEquals([got(502), got(200)], [bad.requests.length, good.requests.length]);
    assertEquals([got(502) > 0, got(200) > 0], [true, true]);
  });

  test("has a body that was read sent again, as long as all of it is kept and twice is as good as once", async () => {
    const [bad, good] = [await breaking(), await healthy()];
    const { url } = rig({ pods: [bad.port, good.port], rule });
    const statuses = async (method: string, body: string): Promise<Set<number>> => {
      const answers = [0, 1, 2, 3].map(() => fetch(url, { method, body }));
      return new Set((await Promise.all(answers)).map(({ status }) => status));
    };
    assertEquals(await statuses("PUT", "x"), new Set([200]));
    assertEquals(
      good.requests.map((request) => request.endsWith("\r\n\r\nx")),
      [true, true, true, true],
    );
    assertEquals(await statuses("POST", "x"), new Set([200, 502]));
  });

  test("on a connection kept from before: GET succeeds, POST is sent once", async () => {
    let served = 0;
    const flaky = await pod((socket, request) => {
      served++;
      if (request.includes("second")) socket.resetAndDestroy();
      else socket.write(answerWith("ok"));
    });
    const { url } = rig({ pods: [flaky.port], rule });
    assertEquals(await (await fetch(url)).text(), "ok");
    const response = await fetch(`${url}/second`, { method: "POST", body: "x" });
    assertEquals([response.status, await codeOf(response)], [502, "upstream_reset"]);
    assertEquals(served, 2);
  });

  test("an idle connection the pod closed meanwhile costs no request", async () => {
    const closing = await pod((socket) => {
      socket.write(answerWith("ok"));
      setTimeout(() => socket.end(), 20);
    });
    const { url } = rig({ pods: [closing.port], rule });
    for (let i = 0; i < 5; i++) {
      assertEquals(await (await fetch(url, { method: i % 2 ? "POST" : "GET" })).text(), "ok");
      await until(() => closing.open() === 0, "the pod's idle close");
    }
  });

  test("what is not HTTP is a 502 and no retry", async () => {
    const [garbage, good] = [await pod((socket) => socket.end("this is no HTTP\r\n\r\n")), await healthy()];
    const { url } = rig({ pods: [garbage.port, good.port], rule });
    const statuses = [(await fetch(url)).status, (await fetch(url)).status].sort();
    assertEquals(statuses, [200, 502]);
  });
});

describe("retries on a status", () => {
  const unavailable = (): Promise<RawPod> =>
    pod((socket) => socket.write("HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy"));

  test("go to another pod when configured, and the last answer is passed on as it is", async () => {
    const [busy, good] = [await unavailable(), await healthy()];
    const rule = { retries: { attempts: 2, on: [503 as const] } };
    const both = rig({ pods: [busy.port, good.port], rule });
    for (let i = 0; i < 4; i++) assertEquals((await fetch(both.url)).status, 200);
    const alone = rig({ pods: [busy.port], rule });
    const response = await fetch(alone.url);
    assertEquals([response.status, await response.text()], [503, "busy"]);
    const plain = rig({ pods: [busy.port, good.port] });
    const statuses = [(await fetch(plain.url)).status, (await fetch(plain.url)).status].sort();
    assertEquals(statuses, [200, 503]);
  });
});

describe("an answer that is discarded for another pod's", () => {
  test("is not read to its end: its connection is closed", async () => {
    const busy = await pod((socket) => socket.write("HTTP/1.1 503 Busy\r\ncontent-length: 1000000\r\n\r\nbusy"));
    const good = await healthy();
    const { url } = rig({ pods: [busy.port, good.port], rule: { retries: { attempts: 2, on: [503] } } });
    for (let i = 0; i < 4; i++) assertEquals(await (await fetch(url)).text(), "ok");
    assert(busy.requests.length > 0);
    await until(() => busy.open() === 0, "the connections of the discarded answers to close");
  });
});

describe("time", () => {
  test("a pod that does not answer in time is a 504, and its connection is closed", async () => {
    const silent = await pod(() => {});
    const { url, pool } = rig({ pods: [silent.port], rule: { timeouts: { connect: 0, response: 150, idle: 0 } } });
    const response = await fetch(url);
    assertEquals([response.status, await codeOf(response)], [504, "upstream_timeout"]);
    await until(() => silent.open() === 0, "the upstream connection to close");
    assertEquals(pool.targetStates()[0]!.inFlight, 0);
  });

  test("the time to the headers does not cut a body that takes longer", async () => {
    const slow = await pod((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na");
      setTimeout(() => socket.write("b"), 400);
    });
    const { url } = rig({ pods: [slow.port], rule: { timeouts: { connect: 0, response: 100, idle: 0 } } });
    assertEquals(await (await fetch(url)).text(), "ab");
  });

  test("a body that falls silent is cut after the idle time-out, one that moves is not", async () => {
    const stalling = await pod((socket, request) => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      const moving = request.includes("/moving");
      const timer = setInterval(() => socket.write("1\r\nx\r\n"), 100);
      setTimeout(() => clearInterval(timer), moving ? 2000 : 150);
      if (moving) setTimeout(() => socket.write("0\r\n\r\n"), 2050);
      socket.on("close", () => clearInterval(timer));
    });
    const { port, url } = rig({ pods: [stalling.port], rule: { timeouts: { connect: 0, response: 0, idle: 1500 } } });
    assertGreater((await (await fetch(`${url}/moving`)).text()).length, 4);
    const client = await rawClient(port, "GET /stalls HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(client.closed, "the silent answer to be cut");
    assert(!client.received().endsWith("0\r\n\r\n"));
  });

  test("200 requests at once do not wait for each other", async () => {
    const { url } = rig({ pods: [(await healthy()).port] });
    const statuses = await Promise.all(Array.from({ length: 200 }, async () => (await fetch(url)).status));
    assert(statuses.every((status) => status === 200));
  });
});

describe("a client that leaves", () => {
  const leave = async (port: number, silent: RawPod, path: string): Promise<void> => {
    const client = await rawClient(port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await until(() => silent.requests.length > 0, "the pod to be asked");
    if (path !== "/wait") await until(() => client.received().length > 200, "the answer to begin");
    client.socket.destroy();
    await until(() => silent.open() === 0, "the pod to see the close");
  };

  test("before the answer, ends the request upstream and no pod is blamed", async () => {
    const silent = await pod(() => {});
    const gateway = rig({ pods: [silent.port], accessLog: "json" });
    for (let i = 0; i < 3; i++) {
      silent.requests.length = 0;
      await leave(gateway.port, silent, "/wait");
    }
    assertEquals(gateway.pool.targetStates()[0]!.ejectedUntil, undefined);
    assertEquals(gateway.logged.length, 0);
    await until(() => gateway.lines.length === 3, "the access log");
    const line = JSON.parse(gateway.lines[0]!) as Record<string, unknown>;
    assertEquals([line.status, line.error], [499, "client_gone"]);
  });

  for (const [name, balancer, idle] of [
    ["as it comes", "round_robin", 0],
    ["counted by the balancer", "least_requests", 0],
    ["under an idle time-out", "round_robin", 60_000],
  ] as const) {
    test(`in the middle of an answer ${name}, ends it upstream`, async () => {
      const endless = await pod((socket) => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n");
        const more = (): void => {
          while (!socket.destroyed && socket.write(Buffer.alloc(100_000)));
        };
        socket.on("drain", more);
        more();
      });
      const gateway = rig({ pods: [endless.port], rule: { balancer, timeouts: { connect: 0, response: 5000, idle } } });
      await leave(gateway.port, endless, "/endless");
      await until(() => gateway.pool.targetStates()[0]!.inFlight === 0, "the request to be counted off");
    });
  }

  test("200 aborted downloads leave no open upstream connection", async () => {
    const endless = await pod((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n${"x".repeat(100_000)}`);
    });
    const { port } = rig({ pods: [endless.port] });
    const clients = await Promise.all(
      Array.from({ length: 200 }, () => rawClient(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
    );
    await until(() => clients.every((client) => client.received().length > 0), {
      timeout: 10_000,
      message: "every answer to begin",
    });
    for (const client of clients) client.socket.destroy();
    await until(() => endless.open() === 0, "every upstream connection to close");
  });
});

describe("when there is no pod to ask", () => {
  const empty = (changes: Partial<Upstream>): Upstream => ({ ...staticUpstream([], "default/shop:http"), ...changes });

  for (const code of ["no_endpoints", "not_synced", "service_unknown", "port_unknown"] as const) {
    test(`the answer is 503 ${code} in outward words`, async () => {
      const reason = () => ({ code, detail: "10.1.2.3 is not ready", outward: "said aloud" });
      const { url } = rig({ upstream: empty({ reason }) });
      const response = await fetch(url);
      assertEquals(response.status, 503);
      const body = (await response.json()) as Record<string, unknown>;
      assertEquals(
        [body.code, body.type, body.status, body.detail],
        [code, `urn:podway:problem:${code}`, 503, "said aloud"],
      );
    });
  }

  test("a HEAD gets the same headers and no body", async () => {
    const { port } = rig({ upstream: empty({}) });
    const answer = await rawRequest(port, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assertMatch(answer, /^HTTP\/1.1 503 /);
    assert(answer.endsWith("\r\n\r\n"));
  });

  test("a first sync under way is waited for, at most as long as for an answer", async () => {
    const good = await healthy();
    const later = staticUpstream([{ host: "127.0.0.1", port: good.port, weight: 1 }], "default/shop:http");
    let known: readonly Endpoint[] = Object.freeze([]);
    let arrived = (): void => {};
    const synced = new Promise<void>((resolve) => {
      arrived = () => {
        known = later.endpoints();
        resolve();
      };
    });
    const upstream: Upstream = { ...later, endpoints: () => known, refresh: () => (known.length ? undefined : synced) };
    const notYet = { ...upstream, reason: () => ({ code: "not_synced" as const, detail: "", outward: "not yet" }) };
    const impatient = rig({ upstream: notYet, rule: { timeouts: { connect: 0, response: 50, idle: 0 } } });
    assertEquals(await codeOf(await fetch(impatient.url)), "not_synced");
    const patient = rig({ upstream });
    const waiting = fetch(patient.url);
    arrived();
    assertEquals((await waiting).status, 200);
  });
});

describe("options of the gateway", () => {
  test("upstream_headers tells the address and its status, via names the gateway both ways", async () => {
    const good = await healthy();
    const { port } = rig({ pods: [good.port], upstreamHeaders: true, via: true });
    const answer = await rawRequest(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assertEquals(fieldValues(answer, "x-podway-upstream"), [`127.0.0.1:${good.port}`]);
    assertEquals(fieldValues(answer, "x-podway-upstream-status"), ["200"]);
    assertEquals([fieldValues(answer, "via"), fieldValues(good.requests[0]!, "via")], [["1.1 podway"], ["1.1 podway"]]);
  });

  test("a route's header changes reach the pod and the client, retries included", async () => {
    const good = await healthy();
    const { port } = rig({
      pods: [await closedPort(), good.port],
      route: {
        requestHeaders: (headers) => headers.append("x-added", "1"),
        responseHeaders: (headers) => headers.set("x-answer", "2"),
      },
    });
    for (let i = 0; i < 2; i++) {
      const answer = await rawRequest(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertEquals(fieldValues(answer, "x-answer"), ["2"]);
      assertEquals(fieldValues(good.requests[i]!, "x-added"), ["1"]);
    }
  });

  test("a runtime's fetch is as good, immutable as its headers are", async () => {
    const good = await pod((socket) =>
      socket.write(answerWith("ok", "connection: keep-alive, x-drop", "x-drop: 1", "x-keep: 1")),
    );
    const freeze = (headers: Headers): Headers => {
      const refuse = (): never => {
        throw new TypeError("immutable");
      };
      return Object.assign(headers, { set: refuse, append: refuse, delete: refuse });
    };
    const { port } = rig({
      pods: [good.port],
      route: {
        transport: fetchTransport(async (url, init) => {
          const response = await fetch(url, init);
          freeze(response.headers);
          return response;
        }),
      },
    });
    const answer = await rawRequest(port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-secret\r\nX-Secret: 1\r\n\r\n");
    assertEquals([fieldValues(answer, "x-drop"), fieldValues(answer, "x-keep")], [[], ["1"]]);
    assertEquals(fieldValues(good.requests[0]!, "x-secret"), []);
    assertEquals(fieldValues(good.requests[0]!, "x-forwarded-for"), ["127.0.0.1"]);
  });
});
