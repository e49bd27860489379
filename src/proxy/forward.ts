import type { Picked } from "../balancing/backends.ts";
import { atMost, type Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { isPlainPath } from "../base/path-check.ts";
import type { Drain } from "../http/drain.ts";
import { FAILURES, type Failure } from "../http/failures.ts";
import { copyFields, type HeaderFields } from "../http/header-fields.ts";
import type { ClientRequest, HttpAnswer } from "../http/message.ts";
import { type ProblemCode, problem } from "../http/problem.ts";
import type { IncomingRequest } from "../http/request.ts";
import { RequestBodyError, type RequestBodyFailure } from "../http/request-body-error.ts";
import { classify } from "../http/upstream-error.ts";
import { bodySourceOf, isWhole } from "../http/watched-source.ts";
import { countInFlight, countUpstream } from "../telemetry/counters.ts";
import type { LogRefusal } from "../telemetry/refusals.ts";
import type { EndRequest, RequestOutcome } from "../telemetry/request-outcome.ts";
import { createDelivery, type OpenStreams } from "./answer.ts";
import { type AttemptContext, nextAttempt, switchBackend } from "./attempt.ts";
import { addVia, toUpstream } from "./headers.ts";
import { createInFlightRequests, InFlightRequest, type InFlightRequests } from "./in-flight.ts";
import { ProxiedRequest } from "./proxied-request.ts";
import { refuse } from "./refuse.ts";
import { requestedProtocols, Switched } from "./switched.ts";
import type { Forwarder, ProxyBackend, ProxyRoute } from "./types.ts";
import { Upload } from "./upload.ts";

/** What a forwarder works with. */
export interface ForwarderOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Logs why a request found no address, which clients may not know. @default it is not logged */
  readonly logRefusal?: LogRefusal | undefined;
  /** Where open event streams are kept. @default a set of its own */
  readonly streams?: OpenStreams | undefined;
  /** Largest request body in bytes; 0: no limit. @default 0 */
  readonly bodyBytes?: number | undefined;
  /**
   * Bytes a second that a client sends at least of its body while it is waited for, over `bodyWindow` milliseconds; 0:
   * no limit. @default 0
   */
  readonly bodyRate?: number | undefined;
  /** @default 30000 */
  readonly bodyWindow?: number | undefined;
  /** Adds `Via` both ways. @default false */
  readonly via?: boolean | undefined;
  /** Adds `x-podway-upstream` and `x-podway-upstream-status` to answers. @default false */
  readonly upstreamHeaders?: boolean | undefined;
  /** Those that are under way. @default a list of its own */
  readonly inFlight?: InFlightRequests | undefined;
  /** Says whether the gateway cuts off what is under way. @default it never does */
  readonly drain?: Pick<Drain, "over"> | undefined;
  /** Ends a request when its answer comes back. */
  readonly end: EndRequest;
}

/** What an edge says of a body that it could not read, as what became of its request. */
const BODY_FAILURES: Readonly<Record<RequestBodyFailure, Failure>> = {
  client_gone: "client_gone",
  refused: "refused",
  stalled: "stalled",
  answered: "client_gone",
};

/** Makes the one forwarder of a gateway. */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const { clock, logger } = options;
  const via = options.via ?? false;
  const upstreamHeaders = options.upstreamHeaders ?? false;
  const gatewayLimit = options.bodyBytes ?? 0;
  const rate = options.bodyRate ?? 0;
  const window = options.bodyWindow ?? 30_000;
  const now = (): number => clock.now();
  const streams = options.streams ?? new Set();
  const inFlight = options.inFlight ?? createInFlightRequests(clock);
  const delivery = { clock, inFlight, streams, via, upstreamHeaders };
  const { deliver, changeHeaders } = createDelivery(delivery);
  const tunnels = { inFlight, changeHeaders, drain: options.drain };

  /** The fields for the pod. The client's own, changed in place, unless they may have to be read again. */
  function headersFor(facts: IncomingRequest, route: ProxyRoute, { entry }: RequestOutcome): HeaderFields {
    const headers = route.requestHeaders === undefined ? facts.headers : copyFields(facts.headers);
    toUpstream(headers, facts);
    if (entry !== undefined) headers.set("x-request-id", entry.id);
    if (via) addVia(headers);
    if (route.rule.pass_host === "rewrite") headers.set("host", route.rule.upstream_host ?? facts.authority);
    route.requestHeaders?.(headers, facts.underscored);
    return headers;
  }

  /** The answer leaves the service. `now`: what the clock showed just before, where that is known. */
  function leave(answer: HttpAnswer, outcome: RequestOutcome, now?: number): HttpAnswer {
    const { counts, reason, entry, deferred } = outcome;
    if (entry !== undefined && reason !== undefined) entry.error = reason;
    if (counts !== undefined) countInFlight(counts, -1);
    return deferred ? answer : options.end(outcome, answer, now);
  }

  /** The gateway's own answer in the place of the service's. */
  function fail(code: ProblemCode, detail: string, { method }: IncomingRequest, outcome: RequestOutcome): HttpAnswer {
    // What is left of a body that is not waited for would be taken for the next request (RFC 9110 section 15.5.9).
    const headers = code === "request_timeout" ? { connection: "close" } : undefined;
    return refused(problem(code, detail, { head: method === "HEAD", headers }), code, outcome);
  }

  function refused(answer: HttpAnswer, code: ProblemCode, outcome: RequestOutcome): HttpAnswer {
    outcome.reason = code;
    return answer;
  }

  function failureOf(error: unknown, { pending }: AttemptContext): Failure {
    const { upload } = pending;
    if (upload?.tooLarge) return "too_large";
    if (upload?.failure instanceof RequestBodyError) return BODY_FAILURES[upload.failure.failure];
    // A client that leaves while it uploads breaks the request's own body: the pod did nothing wrong.
    const ended = pending.ended ?? (pending.request.signal.aborted ? "client_gone" : undefined);
    // Its connection may have been cut off here.
    if (ended === "client_gone" && options.drain?.over) return "draining";
    return ended ?? classify(error);
  }

  /** After an attempt that failed: the next pod, or the answer that ends it. */
  function afterFailure(
    error: unknown,
    context: AttemptContext,
    picked: Picked<ProxyBackend>,
    attempt: number,
  ): Picked<ProxyBackend> | HttpAnswer {
    const { facts, route, outcome, pool, pending } = context;
    const { target } = picked;
    const failure = failureOf(error, context);
    const { code, detail, blamed } = FAILURES[failure];
    pool.finish(target);
    context.span?.failed(failure);
    // What a pod does with a request that has not come whole may be its client's doing.
    const whole = pending.upload === undefined || pending.upload.whole;
    if (blamed && (whole || failure === "connect" || failure === "tls")) pool.failed(target);
    const cause = failure === "tls" ? "connect" : failure;
    const open = cause === "connect" || cause === "reset" || (cause === "timeout" && clock.now() < pending.last);
    const next = open ? nextAttempt(context, picked, cause, attempt) : undefined;
    if (blamed) {
      const { address } = target.endpoint;
      const words = error instanceof Error ? error.message : String(error);
      const level = next === undefined ? "warn" : "debug";
      logger.log(level, "A pod did not answer", { route: route.id, upstream: address, failure, attempt, error: words });
    }
    if (next !== undefined) return next;
    inFlight.remove(pending);
    pending.upload?.drop();
    const answer = fail(code, detail, facts, outcome);
    if (upstreamHeaders) answer.headers.set("x-podway-upstream", target.endpoint.address);
    return answer;
  }

  /** After an answer with a status the route retries on: the next pod, or undefined to pass the answer on. */
  function afterStatus(
    { status, body }: HttpAnswer,
    context: AttemptContext,
    picked: Picked<ProxyBackend>,
    attempt: number,
  ): Picked<ProxyBackend> | undefined {
    const next = nextAttempt(context, picked, status as 500, attempt);
    if (next === undefined) return undefined;
    picked.from.pool.finish(picked.target);
    // Its connection is free again once the rest is given up.
    if (!isWhole(body)) bodySourceOf(body).cancel();
    return next;
  }

  async function sendWithRetries(
    context: AttemptContext,
    first: Picked<ProxyBackend>,
    path: string,
    init: ProxiedRequest,
  ): Promise<HttpAnswer> {
    const { route, outcome, pending } = context;
    const { rule, transport } = route;
    const { entry } = outcome;
    let picked = first;
    for (let attempt = 1; ; attempt++) {
      const { target } = picked;
      const { pool } = context;
      const { counts } = outcome;
      if (rule.pass_host === "node") init.headers.set("host", target.endpoint.address);
      const sent = clock.now();
      pending.begin(sent);
      inFlight.add(pending);
      init.begin(target.endpoint, picked.from.upstream.cluster);
      if (entry !== undefined) {
        entry.upstream = target.endpoint.address;
        entry.tries = attempt;
        const { method, headers } = init;
        const { endpoint } = target;
        context.span = entry.trace?.attempt({
          method,
          url: target.origin + path,
          endpoint,
          number: attempt,
          headers,
        });
      }
      pool.start(target);
      let answer: HttpAnswer;
      try {
        answer = await transport.send(target.origin + path, init);
      } catch (error) {
        const next = afterFailure(error, context, picked, attempt);
        if ("status" in next) return leave(next, outcome);
        picked = next;
        continue;
      }
      pool.succeeded(target);
      const now = clock.now();
      if (counts !== undefined) countUpstream(counts, now - sent);
      if (entry !== undefined) {
        context.span?.answered(answer.status);
        entry.upstreamStatus = answer.status;
        entry.upstreamMs = now - sent;
      }
      if (answer.status >= 500 && rule.retries.on.includes(answer.status as 500)) {
        const next = afterStatus(answer, context, picked, attempt);
        if (next !== undefined) {
          picked = next;
          continue;
        }
      }
      const delivered =
        context.switched !== undefined && answer.tunnel !== undefined
          ? context.switched.begin(answer, context, target, tunnels)
          : deliver(answer, context, target);
      return leave(delivered, outcome, now);
    }
  }

  /** Sends a request off, or answers it here and now. */
  function prepare(
    request: ClientRequest,
    facts: IncomingRequest,
    route: ProxyRoute,
    from: ProxyBackend,
    outcome: RequestOutcome,
    started: number,
  ): Promise<HttpAnswer> | HttpAnswer {
    const refusal = refuse(facts);
    if (refusal !== undefined) return refused(refusal, "not_supported", outcome);
    const changed = route.rewrite(facts.path, facts);
    if (changed.startsWith("//") && !route.transport.stripsHopByHop) {
      return fail("bad_request", "The path begins with two slashes, which this runtime cannot ask for", facts, outcome);
    }
    if (changed !== facts.path && !isPlainPath(changed)) {
      return fail("bad_request", "The path, as the route rewrites it, cannot be asked for", facts, outcome);
    }
    const limit = route.bodyBytes || gatewayLimit;
    // The gateway's own was held against it before there was a route.
    if (limit !== gatewayLimit && Number(facts.headers.get("content-length")) > limit) {
      return fail("body_too_large", FAILURES.too_large.detail, facts, outcome);
    }
    const { pool, upstream } = from;
    const target = pool.pick(facts);
    // What was waited for may not have come: then it is a lower priority's turn.
    const picked = target === undefined ? route.backends.next(facts, from, [], true) : { from, target };
    if (picked === undefined) {
      const reason = upstream.reason();
      options.logRefusal?.({ route: route.id, service: upstream.name }, reason);
      if (reason === undefined)
        return fail("no_endpoints", "The service has no address that takes traffic", facts, outcome);
      return fail(reason.code, reason.outward, facts, outcome);
    }
    const { timeouts } = route.rule;
    const pending = new InFlightRequest(request, timeouts, started);
    const { method } = facts;
    const { body } = request;
    if (body !== null) {
      const rules = { limit, rate, window, now };
      pending.upload = new Upload(bodySourceOf(body), rules, pending, request.expectsContinue);
    }
    const protocols = requestedProtocols(facts, body !== null);
    const switched = protocols === undefined ? undefined : new Switched(protocols, timeouts.idle);
    const headers = headersFor(facts, route, outcome);
    const init = new ProxiedRequest(request, pending, route, { method, headers, upgrade: switched });
    const context: AttemptContext = {
      facts,
      route,
      outcome,
      pool,
      pending,
      switched,
      tried: undefined,
      span: undefined,
    };
    if (picked.from !== from) switchBackend(picked.from, context);
    // What no rule of the route changes is asked for as it was sent.
    const path = changed === facts.path ? (facts.rawPath ?? changed) : changed;
    const search = route.query === undefined ? (facts.rawSearch ?? facts.search) : route.query(facts);
    return sendWithRetries(context, picked, path + search, init);
  }

  const go: typeof prepare = (request, facts, route, from, outcome, started) => {
    const answer = prepare(request, facts, route, from, outcome, started);
    // What was sent ends when it comes back.
    return answer instanceof Promise ? answer : leave(answer, outcome);
  };

  function forward(
    request: ClientRequest,
    facts: IncomingRequest,
    route: ProxyRoute,
    outcome: RequestOutcome,
  ): Promise<HttpAnswer> | HttpAnswer {
    const started = clock.now();
    const from = route.backends.choose(facts);
    from.budget.request();
    const { counts } = from;
    const { entry } = outcome;
    outcome.counts = counts;
    if (counts !== undefined) countInFlight(counts, 1);
    if (entry !== undefined) {
      entry.route = route.id;
      entry.service = from.upstream.name;
      entry.cluster = from.upstream.cluster;
    }
    const refresh = from.upstream.refresh();
    if (refresh === undefined) return go(request, facts, route, from, outcome, started);
    const waited = atMost(refresh, route.rule.timeouts.response, clock);
    return waited.then(() => go(request, facts, route, from, outcome, started));
  }

  return { forward };
}
