import type { MiddlewareHandler } from "hono";
import type { GenericSchema, InferOutput } from "valibot";
import type { Clock } from "../base/clock.ts";
import type { ClientRequest, HttpAnswer } from "../http/message.ts";
import type { IncomingRequest } from "../http/request.ts";
import type { Fetch } from "../platform/fetch.ts";
import type { RequestOutcome } from "../telemetry/request-outcome.ts";
import type { CarriedAnswer, CarriedRequest } from "./carried.ts";
import type { KeySpace } from "./key-space.ts";
import type { MiddlewareKind } from "./options.ts";

/** One request on its way through a route's middleware: Hono's `c.env`. */
export interface MiddlewareContext {
  readonly facts: IncomingRequest;
  /** The request as it came, and as middleware have it. */
  readonly carried: CarriedRequest;
  /** Aborted when the client leaves. */
  readonly gone: AbortSignal;
  /** Who answers, and why. */
  readonly outcome: RequestOutcome;
  /** Whether the peer is one of `server.trusted_proxies`. */
  readonly trusted: boolean;
  /** Changes of the headers the upstream gets, as the request's own may be immutable; undefined removes a header. */
  readonly upstreamHeaders: [name: string, value: string | readonly string[] | undefined][];
  /** The query for the upstream, if changed. */
  search: string | undefined;
  /** The method for the upstream, if changed. */
  method: string | undefined;
  /** The client's name, once a middleware has authenticated it. */
  consumer: string | undefined;
  /** The answer of an upgrade (101): no runtime allows a copy of it, so it bypasses Hono. */
  upgraded: HttpAnswer | undefined;
  /** A pod's answer, as middleware have it. */
  answered: CarriedAnswer | undefined;
  /** When the answer's headers must have arrived, in the clock's milliseconds, if a middleware limits that. */
  deadline: number | undefined;
  /** The upstream's answer, once the request was forwarded. */
  forwarding: Promise<HttpAnswer> | undefined;
  /** Called once each when the answer is complete or broken off, or an upgrade is done. */
  readonly ends: (() => void)[];
  /** The client has its answer already: whatever still runs must not be forwarded. */
  abandoned: boolean;
  /** Passes the request on to the route's target. `within`: milliseconds left until the answer's headers. */
  forward(request: ClientRequest, facts: IncomingRequest, within?: number): HttpAnswer | Promise<HttpAnswer>;
}

/** Hono's types for a route's middleware. */
export interface MiddlewareEnv {
  Bindings: MiddlewareContext;
}

/** A Hono middleware with that context. */
export type Middleware = MiddlewareHandler<MiddlewareEnv>;

/** What a middleware may use. */
export interface MiddlewareParts {
  readonly clock: Clock;
  /** For a middleware's own requests, such as one for a key set. Answers are decompressed. */
  readonly fetch: Fetch;
  /** The memory for counts by keys, shared by all middleware. */
  readonly keys: KeySpace;
}

/** A middleware of the config file, and how it is made from its options. */
export interface Plugin<Schema extends GenericSchema = GenericSchema> extends MiddlewareKind<Schema> {
  make(options: InferOutput<Schema>, parts: MiddlewareParts): Middleware;
}

/** Infers the type of the function's options from their schema. */
export const plugin = <const Schema extends GenericSchema>(
  kind: MiddlewareKind<Schema>,
  make: (options: InferOutput<Schema>, parts: MiddlewareParts) => Middleware,
): Plugin<Schema> => ({ ...kind, make });
