import { describe, test } from "bun:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { IncomingRequest } from "../../src/http/request.ts";
import { createAccessLog } from "../../src/telemetry/access-log.ts";
import { AccessLogEntry } from "../../src/telemetry/access-log-entry.ts";
import { combinedLine, jsonLine } from "../../src/telemetry/line.ts";
import { createRequestIds } from "../../src/telemetry/request-id.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { until } from "../helpers/wait.ts";
import { answerWith, fieldValues, leavesNothing, rawPod, rawRequest, startRig } from "./helpers.ts";

leavesNothing();

const NAMES =
  "time,id,method,host,path,route,service,cluster,upstream,status,upstream_status,duration_ms,upstream_ms,bytes,tries,client,error";

const started = Date.parse("2026-01-02T03:04:05.678Z");
const factsOf = (changes: Partial<IncomingRequest> = {}): IncomingRequest => ({
  started,
  method: "GET",
  scheme: "http",
  host: "shop.test",
  authority: "shop.test",
  port: "80",
  path: "/cart",
  search: "?n=1",
  headers: new Headers({ "user-agent": 'curl "8"', referer: "http://a/" }),
  peer: "10.0.0.9",
  client: "203.0.113.9",
  ...changes,
});

describe("the access log", () => {
  test("tells of a proxied request every field by its name, and its id reaches the pod", async () => {
    const pod = await rawPod((socket) => socket.write(answerWith("hello")));
    const rig = startRig({ pods: [pod.port], accessLog: "json" });
    const answer = await rawRequest(
      rig.port,
      "GET /cart?n=1 HTTP/1.1\r\nHost: Shop.test\r\nX-Request-Id: abc-1\r\n\r\n",
    );
    assert(answer.endsWith("hello"));
    await until(() => rig.lines.length === 1, "the line");
    const line = JSON.parse(rig.lines[0]!) as Record<string, unknown>;
    assertEquals(Object.keys(line).sort().join(), NAMES.split(",").sort().join());
    const {
      id,
      method,
      host,
      path,
      route,
      service,
      cluster,
      upstream,
      status,
      upstream_status,
      bytes,
      tries,
      client,
      error,
    } = line;
    assertEquals(
      [id, method, host, path, route, service, cluster, upstream, status, upstream_status, bytes, tries, client, error],
      [
        "abc-1",
        "GET",
        "shop.test",
        "/cart",
        "test",
        "default/test:80",
        null,
        `127.0.0.1:${pod.port}`,
        200,
        200,
        5,
        1,
        "127.0.0.1",
        null,
      ],
    );
    assertEquals(fieldValues(pod.requests[0]!, "x-request-id"), ["abc-1"]);
  });

  test("counts the bytes of an answer that does not tell its length, and writes when it ended", async () => {
    const pod = await rawPod((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
      setTimeout(() => socket.write("4\r\ndefg\r\n0\r\n\r\n"), 50);
    });
    const rig = startRig({ pods: [pod.port], accessLog: "json" });
    await rawRequest(rig.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => rig.lines.length === 1, "the line");
    assertEquals((JSON.parse(rig.lines[0]!) as { bytes: number }).bytes, 7);
  });

  test("names the problem, and what was tried, of a request that failed", async () => {
    const rig = startRig({ accessLog: "json" });
    await rawRequest(rig.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => rig.lines.length === 1, "the line");
    const line = JSON.parse(rig.lines[0]!) as Record<string, unknown>;
    assertEquals(
      [line.status, line.error, line.upstream, line.upstream_status, line.tries],
      [503, "no_endpoints", null, null, 0],
    );
  });

  test("writes once for many requests, and what waits at the end", async () => {
    const clock = createFakeClock(started);
    const writes: string[] = [];
    const log = createAccessLog({ format: "json", write: (lines) => void writes.push(lines), clock });
    const finish = () =>
      log.finish(new AccessLogEntry(factsOf({ started: clock.now() }), "x"), new Response(null, { status: 204 }));
    for (let i = 0; i < 100; i++) finish();
    assertEquals(writes.length, 0);
    await clock.advance(1000);
    assertEquals([writes.length, writes[0]!.trimEnd().split("\n").length], [1, 100]);
    finish();
    log.flush();
    assertEquals(writes.length, 2);
    for (let i = 0; i < 1024; i++) finish();
    assertEquals(writes.length, 3);
  });
});

describe("lines", () => {
  test("what a client sends never breaks a line of JSON", () => {
    const nasty = 'a"b\\c\u0001é\u2028';
    const entry = new AccessLogEntry(factsOf({ path: nasty, host: nasty }), nasty);
    const line = jsonLine({ entry, status: 200, bytes: undefined, ended: started + 5 });
    assertEquals(line.indexOf("\n"), line.length - 1);
    const parsed = JSON.parse(line) as Record<string, unknown>;
    assertEquals(
      [parsed.path, parsed.id, parsed.time, parsed.duration_ms, parsed.bytes],
      [nasty, nasty, "2026-01-02T03:04:05.678Z", 5, null],
    );
  });

  test("combined is Apache's format, with what could forge a line escaped", () => {
    const entry = new AccessLogEntry(factsOf({ search: '?q="\n' }), "x");
    assertEquals(
      combinedLine(new Set())({ entry, status: 200, bytes: 12, ended: started }),
      '203.0.113.9 - - [02/Jan/2026:03:04:05 +0000] "GET /cart?q=\\"\\x0a HTTP/1.1" 200 12 "http://a/" "curl \\"8\\""\n',
    );
  });
});

describe("request ids", () => {
  test("a fit one is taken over, another is replaced, and ours never repeat", () => {
    const ids = createRequestIds(() => 0.5);
    const of = (id?: string) => ids.of({ headers: new Headers(id === undefined ? {} : { "x-request-id": id }) });
    assertEquals(of("abc-1"), "abc-1");
    assertMatch(of("has space"), /^8{16}-1$/);
    assertMatch(of("x".repeat(129)), /^8{16}-2$/);
    assertEquals(new Set(Array.from({ length: 1000 }, () => of())).size, 1000);
  });
});
