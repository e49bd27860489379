import { systemClock } from "../../src/base/clock.ts";
import { responseOf } from "../../src/http/fetch/message.ts";
import { type HeaderFields, headersOf } from "../../src/http/header-fields.ts";
import type { ClientRequest } from "../../src/http/message.ts";
import { type IncomingRequest, parseRequest } from "../../src/http/request.ts";
import { createTrust } from "../../src/http/trust.ts";
import { makeMiddleware } from "../../src/middleware/catalog.ts";
import { createChain, ownMiddleware, userMiddleware } from "../../src/middleware/chain.ts";
import { createKeySpace } from "../../src/middleware/key-space.ts";
import type { Middleware, MiddlewareContext, MiddlewareParts } from "../../src/middleware/plugin.ts";
import { RequestOutcome } from "../../src/telemetry/request-outcome.ts";
import { route } from "../config/support.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";

const LIMITS = { header_bytes: 0, headers: 0, url_bytes: 0, body_bytes: 0 };

export interface Setup {
  /** The pod behind the route. @default 200 "from the pod" */
  upstream?: (request: Request, headers: HeaderFields) => Response | Promise<Response>;
  /** What is passed on, as the proxy sees it. */
  forwarded?: (facts: IncomingRequest) => void;
  /** The milliseconds that are left to the pod. */
  within?: (ms: number | undefined) => void;
  parts?: Partial<MiddlewareParts>;
  /** The user's own, after the ones of `entries`. */
  own?: Middleware[];
}

export interface Sent extends RequestInit {
  peer?: string;
  host?: string;
}

/** What is passed on, as the fetch standard has it. */
const fetched = ({ url, method, headers, body, signal }: ClientRequest): Request =>
  new Request(url, { method, headers: headersOf(headers), body, signal, duplex: "half" } as object);

/** A route's middleware, from the YAML of its list, before a pod of the test's own. */
export function chained(entries: string, { upstream, forwarded, within, parts, own = [] }: Setup = {}) {
  const clock = createFakeClock();
  const given = { clock, fetch, keys: createKeySpace({ clock: parts?.clock ?? clock }), ...parts };
  const handlers = route(`{service: a/b, middleware: ${entries}}`).middleware.flatMap((entry) => {
    const made = makeMiddleware(entry, given);
    return made === undefined ? [] : [ownMiddleware(made)];
  });
  const errors: Error[] = [];
  const trusts = createTrust(["10.0.0.0/8"]);
  const chain = createChain([...handlers, ...own.map((handler) => userMiddleware(handler, "./mine.ts"))], {
    trusts,
    clock: given.clock,
    report: (error) => errors.push(error),
  });
  let passed = 0;
  const forward: MiddlewareContext["forward"] = (request, facts, left) => {
    passed++;
    within?.(left);
    forwarded?.(facts);
    return upstream?.(fetched(request), facts.headers) ?? new Response("from the pod");
  };
  return {
    errors,
    /** Requests that came through to the pod. */
    passed: () => passed,
    send(path: string, { peer = "192.0.2.7", host = "gateway.test", ...init }: Sent = {}): Promise<Response> {
      const request = new Request(`http://${host}${path}`, init);
      request.headers.set("host", host);
      const facts = parseRequest(request, peer, "http", {
        clock: systemClock,
        trusts,
        limits: LIMITS,
      });
      if ("problem" in facts) throw new Error(facts.detail);
      const outcome = { ...new RequestOutcome(facts.started), deferred: true };
      return chain(request, facts, outcome, forward).then((answer) => responseOf(answer));
    },
  };
}

/** Status, type and problem code of an answer. */
export async function problemOf(answer: Response): Promise<[number, string | null, unknown]> {
  const type = answer.headers.get("content-type");
  return [answer.status, type, ((await answer.json()) as { code: unknown }).code];
}

/** Answers to clients that are not let in, as `problemOf` returns them. */
export const UNAUTHORIZED: [number, string, string] = [401, "application/problem+json", "unauthorized"];
export const FORBIDDEN: [number, string, string] = [403, "application/problem+json", "forbidden"];

/** A request with a token. */
export const bearer = (token: string): Sent => ({ headers: { authorization: `Bearer ${token}` } });
