import type { Body } from "../../../src/http/body.ts";
import { Fields } from "../../../src/http/header-fields.ts";
import type { HeadLimits } from "../../../src/http/http1/read-request.ts";
import { ServerConnection } from "../../../src/http/http1/server-connection.ts";
import { type Refusal, ServerContext, type ServerOptions } from "../../../src/http/http1/server-context.ts";
import type { ClientRequest, HttpAnswer, HttpHandler } from "../../../src/http/message.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { FakeSocket } from "../../helpers/fake-socket.ts";

export const HEAD_LIMITS: HeadLimits = { header_bytes: 32_768, headers: 100, url_bytes: 8192 };

/** What `Date` says at the start of a fake clock. */
export const DATE = "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n";

/** An answer; `fields` are lines such as "X-A: b". */
export function answerOf(body: Body = null, fields: readonly string[] = [], status = 200): HttpAnswer {
  const lines = fields.map((line) => /^(.*?): (.*)$/s.exec(line)!).map(([, name, value]) => [name!, value!] as const);
  return { status, statusText: "", headers: Fields.from(lines), body };
}

/** What is left to a server by its connections, on record. */
export function recorded(handler: HttpHandler) {
  const clock = createFakeClock();
  const refusals: Refusal[] = [];
  const failures: unknown[] = [];
  const closed: ServerConnection[] = [];
  const options: ServerOptions = {
    handler,
    limits: HEAD_LIMITS,
    clock,
    refuse(refusal) {
      refusals.push(refusal);
      return answerOf(`${refusal.problem}: ${refusal.detail}`, [], refusal.problem === "request_timeout" ? 408 : 400);
    },
    failed(error) {
      failures.push(error);
      return answerOf("internal", [], 500);
    },
    closed: (connection) => void closed.push(connection),
  };
  return { context: new ServerContext(options), clock, refusals, failures, closed };
}

/** A connection in memory, and what came over it. */
export function connected(handler: HttpHandler) {
  const requests: ClientRequest[] = [];
  const rig = recorded((request, peer) => {
    requests.push(request);
    return handler(request, peer);
  });
  const socket = new FakeSocket();
  const connection = new ServerConnection(socket, rig.context);
  return { ...rig, socket, connection, requests };
}

/** A handler whose answers come when the test says so. */
export function pending() {
  const waiting: ReturnType<typeof Promise.withResolvers<HttpAnswer>>[] = [];
  const handler: HttpHandler = () => {
    const answer = Promise.withResolvers<HttpAnswer>();
    waiting.push(answer);
    return answer.promise;
  };
  return {
    handler,
    /** Answers the oldest request that waits. */
    async answer(answer: HttpAnswer): Promise<void> {
      waiting.shift()!.resolve(answer);
      await settled();
    },
    async fail(error: unknown): Promise<void> {
      waiting.shift()!.reject(error);
      await settled();
    },
  };
}

/** Lets what waits for no event run. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
