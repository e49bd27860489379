import { describe, test } from "bun:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { systemClock } from "../../src/base/clock.ts";
import { Fields } from "../../src/http/header-fields.ts";
import type { ClientRequest, HttpAnswer, InterimAnswer } from "../../src/http/message.ts";
import { type IncomingRequest, parseRequest } from "../../src/http/request.ts";
import { createChain, userMiddleware } from "../../src/middleware/chain.ts";
import type { Middleware } from "../../src/middleware/plugin.ts";
import { RequestOutcome } from "../../src/telemetry/request-outcome.ts";
import { collect, PushedBody, sourceOfPieces } from "../helpers/body.ts";

const LIMITS = { header_bytes: 0, headers: 0, url_bytes: 0, body_bytes: 0 };

type Line = [name: string, value: string];

const linesOf = (fields: unknown): string[] => {
  const lines: string[] = [];
  (fields as Fields).forEachLine((name, value) => void lines.push(`${name}: ${value}`));
  return lines;
};

/** A request as an engine reads it. */
function requestOf(lines: Line[], more: Partial<ClientRequest> = {}): ClientRequest {
  const headers = Fields.from([["Host", "a.test"], ...lines]);
  return { method: "POST", url: "/", headers, body: null, signal: new AbortController().signal, ...more };
}

/** Sends a request through one middleware to a pod; what the pod got, and what came back. */
async function through(middleware: Middleware, request: ClientRequest, answer: HttpAnswer) {
  const reported: Error[] = [];
  const chain = createChain([userMiddleware(middleware, "./mine.ts")], {
    clock: systemClock,
    report: (error) => void reported.push(error),
  });
  const options = { clock: systemClock, trusts: () => false, limits: LIMITS };
  const facts = parseRequest(request, "192.0.2.1", "http", options) as IncomingRequest;
  const outcome = new RequestOutcome(facts.started);
  outcome.deferred = true;
  let got: { request: ClientRequest; facts: IncomingRequest } | undefined;
  const sent = await chain(request, facts, outcome, (passed, known) => {
    got = { request: passed, facts: known };
    return answer;
  });
  assertEquals(reported, []);
  return { got, sent };
}

const passing: Middleware = async (_c, next) => {
  await next();
};

const ok = (lines: Line[], body: HttpAnswer["body"] = null): HttpAnswer => ({
  status: 200,
  statusText: "Fine",
  headers: Fields.from(lines),
  body,
});

describe("a request and its answer on their way through middleware", () => {
  test("keep the lines, order and letters of all that no middleware changes", async () => {
    const asked: Line[] = [
      ["X-B", "1"],
      ["Cookie", "a=1"],
      ["x-a", "2"],
      ["X-B", "3"],
      ["Cookie", "b=2"],
    ];
    const answered: Line[] = [
      ["X-D", "1"],
      ["Set-Cookie", "a=1"],
      ["x-c", "2"],
      ["Set-Cookie", "b=2"],
      ["X-D", "\xe9"],
    ];
    const { got, sent } = await through(passing, requestOf(asked), ok(answered));
    const written = (lines: Line[]): string[] => lines.map(([name, value]) => `${name}: ${value}`);
    assertEquals(linesOf(got!.facts.headers), written([["Host", "a.test"], ...asked]));
    assertEquals([linesOf(sent.headers), sent.status, sent.statusText], [written(answered), 200, "Fine"]);
  });

  test("have what a middleware set, added and took away, each in its place", async () => {
    const changing: Middleware = async (c, next) => {
      c.req.raw.headers.set("x-a", "new");
      c.req.raw.headers.delete("x-gone");
      await next();
      c.res.headers.set("x-c", "new");
      c.res.headers.delete("x-gone");
      c.res.headers.append("set-cookie", "b=2");
    };
    const lines = (letter: string): Line[] => [
      ["X-Gone", "1"],
      [`X-${letter}`, "1"],
      ["X-Last", "1"],
    ];
    const { got, sent } = await through(changing, requestOf(lines("A")), ok([...lines("C"), ["Set-Cookie", "a=1"]]));
    assertEquals(linesOf(got!.facts.headers), ["Host: a.test", "x-a: new", "X-Last: 1"]);
    assertEquals(linesOf(sent.headers), ["x-c: new", "X-Last: 1", "set-cookie: a=1", "set-cookie: b=2"]);
  });

  test("have the bodies they came with, trailers and all, where no middleware touches them", async () => {
    for (const method of ["POST", "GET"]) {
      const up = sourceOfPieces(["up"], Fields.from([["X-Up", "1"]]));
      const down = sourceOfPieces(["down"], Fields.from([["X-Down", "1"]]));
      const copying: Middleware = async (c, next) => {
        await next();
        c.res = new Response(c.res.body, c.res);
      };
      const { got, sent } = await through(copying, requestOf([], { method, body: up }), ok([], down));
      assertStrictEquals(got!.request.body, up);
      assertStrictEquals(sent.body, down);
    }
    const whole = new Uint8Array([1]);
    assertStrictEquals((await through(passing, requestOf([]), ok([], whole))).sent.body, whole);
  });

  test("have a body that was read or changed as it was left", async () => {
    const reading: Middleware = async (c, next) => {
      const text = await c.req.text();
      await next();
      c.res = new Response(`${text} and ${await c.res.text()}`, c.res);
    };
    const { got, sent } = await through(reading, requestOf([], { body: sourceOfPieces(["up"]) }), ok([], "down"));
    assertEquals([(await collect(got!.request.body)).text, (await collect(sent.body)).text], ["up", "up and down"]);
  });

  test("are asked for their body by the one who reads it", async () => {
    const interim: number[] = [];
    const note = (answer: InterimAnswer): void => void interim.push(answer.status);
    const waiting = () => requestOf([], { body: sourceOfPieces(["x"]), expectsContinue: true, interim: note });
    const passed = await through(passing, waiting(), ok([]));
    assertEquals([passed.got!.request.expectsContinue, interim], [true, []]);
    passed.got!.request.interim!({ status: 100, statusText: "", headers: new Fields() });
    assertEquals(interim, [100]);
    const read: Middleware = async (c, next) => {
      await c.req.text();
      await next();
    };
    const reading = await through(read, waiting(), ok([]));
    assert(reading.got!.request.expectsContinue !== true);
    assertEquals(interim, [100, 100]);
  });

  test("lose a body that the method a middleware chose does not have", async () => {
    const body = new PushedBody();
    const method: Middleware = async (c, next) => {
      c.env.method = "GET";
      await next();
    };
    const { got } = await through(method, requestOf([], { body }), ok([]));
    assertEquals([got!.facts.method, got!.request.body], ["GET", null]);
  });

  test("may name a host that no URL has", async () => {
    const request = requestOf([], { authority: "1.2.3.4.5", url: "/x?y" });
    const seen: string[] = [];
    await through(
      async (c, next) => {
        seen.push(new URL(c.req.url).pathname, new URL(c.req.url).search);
        await next();
      },
      request,
      ok([]),
    );
    assertEquals(seen, ["/x", "?y"]);
  });
});
