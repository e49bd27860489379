import { type Context, Hono } from "hono";
import { cloneRawRequest } from "hono/request";
import type { Clock } from "../base/clock.ts";
import { isPlainPath } from "../base/path-check.ts";
import { dropLookalikes, lookalikesOf } from "../http/client-fields.ts";
import { FAILURES } from "../http/failures.ts";
import type { ClientRequest, HttpAnswer } from "../http/message.ts";
import type { ProblemCode } from "../http/problem.ts";
import type { IncomingRequest } from "../http/request.ts";
import type { Trust } from "../http/trust.ts";
import { UpstreamError } from "../http/upstream-error.ts";
import { bodySourceOf, isWhole, WatchedSource } from "../http/watched-source.ts";
import type { RequestOutcome } from "../telemetry/request-outcome.ts";
import { CarriedAnswer, CarriedRequest } from "./carried.ts";
import { withContentLength } from "./content-length.ts";
import type { Middleware, MiddlewareContext, MiddlewareEnv } from "./plugin.ts";
import { reject, Unavailable } from "./rejection.ts";

/** A request through a route's middleware: what they answer, or what `forward` does, as they change it. */
export type Chain = (
  request: ClientRequest,
  facts: IncomingRequest,
  outcome: RequestOutcome,
  forward: MiddlewareContext["forward"],
) => Promise<HttpAnswer>;

export interface ChainOptions {
  readonly clock: Clock;
  /** The trusted proxies. @default none */
  readonly trusts?: Trust | undefined;
  /**
   * Among them is a module of the user's own. Which headers it changes is not known in advance, so fields with `_` that
   * a pod could mistake for one of them are dropped. @default false
   */
  readonly userModules?: boolean | undefined;
  /** A middleware failed unexpectedly. */
  report(error: Error): void;
}

/** What a client reads of a rejection by one of our own middleware. */
const REJECTIONS: Readonly<Record<number, readonly [ProblemCode, string]>> = {
  400: ["bad_request", "The request's credentials are not well formed"],
  401: ["unauthorized", "The request's credentials are missing or not valid"],
  403: ["forbidden", "The request is not allowed here"],
};

/** An answer of our own middleware in the gateway's form; its headers (`WWW-Authenticate`) stay. */
function inOurForm(answer: Response, c: Context<MiddlewareEnv>): Response {
  const rejection = REJECTIONS[answer.status];
  if (answer.headers.get("content-type") === "application/problem+json") {
    c.env.outcome.reason ??= rejection?.[0];
    return answer;
  }
  if (rejection === undefined) return answer;
  const [code, detail] = rejection;
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !name.startsWith("content-")));
  return reject(c, { code, detail, headers });
}

/** Keeps headers set so far for the answer to come: Hono drops them unless its own response was read. */
const keepHeaders = (c: Context<MiddlewareEnv>): void => void c.res;

/** Hono's HTTPException, from whichever copy of Hono: a user's module may have its own. */
interface HttpError {
  readonly status: number;
  /** What it was made to answer with, where it was. */
  readonly res?: Response | undefined;
  getResponse(): Response;
}

const isHttpError = (error: unknown): error is HttpError =>
  typeof error === "object" && error !== null && typeof (error as Partial<HttpError>).getResponse === "function";

/** One of our own: its rejections become problem answers, whether it returns or throws them. */
export function ownMiddleware(handler: Middleware): Middleware {
  return async (c, next) => {
    let answer: Response | undefined;
    try {
      answer = (await handler(c, next)) as Response | undefined;
    } catch (error) {
      if (!isHttpError(error)) throw error;
      answer = error.getResponse();
    }
    if (!(answer instanceof Response) || c.finalized) return undefined;
    keepHeaders(c);
    return inOurForm(answer, c);
  };
}

const describe = (value: unknown): string =>
  typeof value === "object" && value !== null ? "an object" : String(value);

/**
 * One of the user's: Hono handles an `Error` and a `Response`, so anything else it throws or returns becomes an
 * `Error`. `module`: its name in the config.
 */
export function userMiddleware(handler: Middleware, module: string): Middleware {
  return async (c, next) => {
    let answer: unknown;
    try {
      answer = await handler(c, next);
    } catch (error) {
      if (error instanceof Error) throw error;
      throw new Error(`${module} threw ${describe(error)}, which is no Error`, { cause: error });
    }
    if (answer === undefined || answer instanceof Response) return answer;
    throw new Error(`${module} returned ${describe(answer)}, which is no Response`);
  };
}

/** The request as middleware left it, with a body that can be sent on. */
async function unread(c: Context<MiddlewareEnv>): Promise<Request> {
  const { raw } = c.req;
  if (!raw.bodyUsed) return raw;
  if (Object.keys(c.req.bodyCache).length > 0) return await cloneRawRequest(c.req);
  throw new Error(
    "A middleware read the body of c.req.raw, which cannot be sent on then: read it by c.req.text() and its like",
  );
}

/** The facts of a request that a middleware replaced by another. */
function factsOf(request: Request, facts: IncomingRequest): IncomingRequest {
  const { pathname, search } = new URL(request.url);
  return { ...facts, method: request.method, path: pathname, search, rawPath: undefined, rawSearch: undefined };
}

/** The answer, whose end is reported to `ends`. */
function watched(answer: HttpAnswer, { ends, upgraded }: MiddlewareContext): HttpAnswer {
  const over = (): void => {
    for (const end of ends) end();
  };
  const { status, statusText, headers, body } = answer;
  if (upgraded === undefined && !isWhole(body)) {
    return {
      status,
      statusText,
      headers,
      body: new WatchedSource(bodySourceOf(body), { passed: () => {}, over }),
    };
  }
  over();
  return answer;
}

const SPENT = "A middleware answered with a Response whose body was read before: each answer needs one of its own";

/** Composes middleware in their order. Compiled once; a route without any has no chain. */
export function createChain(handlers: readonly Middleware[], options: ChainOptions): Chain {
  // Hono would take the path from the URL, which is not a URL where a request has no Host.
  const app = new Hono<MiddlewareEnv>({ getPath: (_request, given) => (given!.env as MiddlewareContext).facts.path });

  for (const handler of handlers) app.use(handler);

  app.all("*", async (c) => {
    const context = c.env;
    const { carried } = context;
    const sendable = await unread(c);
    let { facts } = context;
    const replaced = sendable !== carried.request;
    const request = replaced ? await withContentLength(sendable) : sendable;
    if (replaced) {
      facts = factsOf(request, facts);
      if (facts.path !== context.facts.path && !isPlainPath(facts.path))
        throw new Error("A middleware asks for a path that cannot be asked for");
    }
    const headers = carried.fields(request);
    if (context.upstreamHeaders.length > 0) {
      dropLookalikes(headers, facts.underscored, lookalikesOf(context.upstreamHeaders.map(([name]) => name)));
      for (const [name, value] of context.upstreamHeaders) {
        headers.delete(name);
        for (const one of value === undefined ? [] : [value].flat()) headers.append(name, one);
      }
    }
    facts = { ...facts, headers };
    const { search, method } = context;
    if (search !== undefined) facts = { ...facts, search, rawSearch: undefined };
    if (method !== undefined) facts = { ...facts, method };
    if (context.abandoned) return c.body(null);
    const within = context.deadline === undefined ? undefined : Math.max(1, context.deadline - options.clock.now());
    context.forwarding = Promise.resolve(context.forward(carried.passedOn(request, facts), facts, within));
    const answer = await context.forwarding;
    if (answer.status === 101) {
      context.upgraded = answer;
      return c.body(null);
    }
    keepHeaders(c);
    context.answered = new CarriedAnswer(answer);
    return context.answered.response;
  });

  /** The answer where a middleware failed unexpectedly. */
  function failed(error: Error, c: { readonly env: MiddlewareContext }): Response {
    options.report(error);
    return reject(c, { code: "internal", detail: "The gateway could not handle this request" });
  }

  app.onError((error, c) => {
    keepHeaders(c);
    if (isHttpError(error)) {
      const answer = error.getResponse();
      c.env.outcome.reason = "middleware";
      return error.res === undefined && error.status in REJECTIONS ? inOurForm(answer, c) : answer;
    }
    if (c.env.gone.aborted) {
      // A middleware that reads a body fails when the client breaks it off, which is not its fault.
      return reject(c, FAILURES.client_gone);
    }
    if (error instanceof UpstreamError) {
      // The pod broke off an answer whose body a middleware reads.
      return reject(c, FAILURES[error.failure]);
    }
    if (error instanceof Unavailable) {
      if (!error.reported) options.report(error);
      error.reported = true;
      const detail = "What this request is checked with is not available now";
      return reject(c, { code: "internal", detail, status: 503 });
    }
    return failed(error, c);
  });

  return async (sent, given, outcome, forward) => {
    if (options.userModules && given.underscored !== undefined) {
      for (const name of given.underscored) given.headers.delete(name);
      given = { ...given, underscored: undefined };
    }
    const carried = new CarriedRequest(sent, given);
    const { request } = carried;
    // Middleware may change headers in place.
    const facts: IncomingRequest = { ...given, headers: request.headers, touched: true };
    const context: MiddlewareContext = {
      facts,
      carried,
      gone: request.signal,
      outcome,
      trusted: options.trusts?.(facts.peer) ?? false,
      upstreamHeaders: [],
      search: undefined,
      method: undefined,
      consumer: undefined,
      answered: undefined,
      upgraded: undefined,
      deadline: undefined,
      forwarding: undefined,
      abandoned: false,
      ends: [],
      forward,
    };
    const made = await app.fetch(request, context);
    const answer = context.upgraded ?? finished(made, context);
    return context.ends.length === 0 ? answer : watched(answer, context);
  };

  /** What middleware answer, as it is to be sent. */
  function finished(made: Response, context: MiddlewareContext): HttpAnswer {
    if (made.bodyUsed) return failed(new Error(SPENT), { env: context });
    return context.answered?.changed(made) ?? made;
  }
}
