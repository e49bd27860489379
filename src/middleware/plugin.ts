import type { MiddlewareHandler } from "hono";
import type { GenericSchema, InferOutput } from "valibot";
import type { Clock } from "../base/clock.ts";
import type { IncomingRequest } from "../http/request.ts";
import type { Fetch } from "../platform/fetch.ts";
import type { RequestOutcome } from "../telemetry/request-outcome.ts";
import type { KeySpace } from "./key-space.ts";
import type { MiddlewareKind } from "./options.ts";

/** One request on its way through a route's middleware: Hono's `c.env`. */
export interface MiddlewareContext {
  readonly facts: IncomingRequest;
  /** Aborted when the client leaves. */
  readonly gone: AbortSignal;
  /** Who answers, and why. */
  readonly outcome: RequestOutcome;
  /** Whether the connection's other end is one of `server.trusted_proxies`. */
  readonly trusted: boolean;
  /**
   * Headers the upstream gets beside (or instead of) the request's own, which may be immutable; none of a name: not at
   * all.
   */
  readonly upstreamHeaders: [name: string, value: string | readonly string[] | undefined][];
  /** The query the upstream is asked with, where it is another. */
  search: string | undefined;
  /** The method the upstream is asked with, where it is another. */
  method: string | undefined;
  /** Who asks, where a middleware found out. */
  consumer: string | undefined;
  /** The answer of an upgrade (101), which no runtime lets anybody copy: it passes as it is. */
  upgraded: Response | undefined;
  /** When the answer's headers must be there, in the clock's milliseconds, where a middleware says so. */
  deadline: number | undefined;
  /** What the upstream answers, once it is asked. */
  forwarding: Promise<Response> | undefined;
  /** Called once each when the answer is complete, whatever became of it on its way out, or an upgrade is done. */
  readonly ends: (() => void)[];
  /** The client has its answer: what is still under way is for nobody. */
  abandoned: boolean;
  /** Passes the request on to what the route is for. `within`: milliseconds there are left to the answer's headers. */
  forward(request: Request, facts: IncomingRequest, within?: number): Response | Promise<Response>;
}

/** Hono's types for a route's middleware. */
export interface MiddlewareEnv {
  Bindings: MiddlewareContext;
}

/** A Hono middleware that may look at the context. */
export type Middleware = MiddlewareHandler<MiddlewareEnv>;

/** What middleware are made with. */
export interface MiddlewareParts {
  readonly clock: Clock;
  /** For what a middleware asks for on its own account, such as a key set. Answers are decompressed. */
  readonly fetch: Fetch;
  /** Where what is counted by keys is kept, for all middleware together. */
  readonly keys: KeySpace;
}

/** A middleware of the config file: what is known of it, and how it is made of its options. */
export interface Plugin<Schema extends GenericSchema = GenericSchema> extends MiddlewareKind<Schema> {
  make(options: InferOutput<Schema>, parts: MiddlewareParts): Middleware;
}

/** Ties a plugin's options to the function that takes them. */
export const plugin = <const Schema extends GenericSchema>(
  kind: MiddlewareKind<Schema>,
  make: (options: InferOutput<Schema>, parts: MiddlewareParts) => Middleware,
): Plugin<Schema> => ({ ...kind, make });
