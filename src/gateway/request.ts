import { lastAnswer } from "../http/drain.ts";
import { Fields } from "../http/header-fields.ts";
import type { Refusal } from "../http/http1/server-context.ts";
import type { ClientRequest, HttpAnswer } from "../http/message.ts";
import { type ProblemCode, problem } from "../http/problem.ts";
import { type IncomingRequest, parseRequest, refusedRequest } from "../http/request.ts";
import type { Chain } from "../middleware/chain.ts";
import { routeTemplate } from "../routing/path-template.ts";
import { AMBIGUOUS_PATH } from "../routing/table.ts";
import { AccessLogEntry } from "../telemetry/access-log-entry.ts";
import { RequestOutcome } from "../telemetry/request-outcome.ts";
import type { Plan } from "./plan.ts";
import { type GatewayRoute, withResponse } from "./route-set.ts";

/** Answers one request by a plan, see `Gateway.handle`. */
export function respond(
  plan: Plan,
  request: ClientRequest,
  peer: string,
  scheme: "http" | "https",
  port: string | undefined,
): HttpAnswer | Promise<HttpAnswer> {
  const facts = parseRequest(request, peer, scheme, plan.read, port);
  if ("problem" in facts) {
    const refused = refusedRequest(request, peer, scheme, plan.read.clock);
    const outcome = new RequestOutcome(refused.started, entryOf(refused, plan));
    const head = request.method === "HEAD";
    // What comes behind a request whose end or meaning is in doubt cannot be trusted (RFC 9112 section 11.2).
    return plan.end(outcome, lastAnswer(unmatched(plan, outcome, facts.problem, facts.detail, head)));
  }
  const outcome = new RequestOutcome(facts.started, entryOf(facts, plan));
  const route = plan.routes.table.match(facts);
  if (route === undefined) {
    const [code, detail] = plan.routes.table.ambiguity(facts) === undefined ? NO_ROUTE : AMBIGUOUS;
    return plan.end(outcome, unmatched(plan, outcome, code, detail, facts.method === "HEAD"));
  }
  outcome.entry?.trace?.matched(routeTemplate(route.rule.path));
  if (route.chain === undefined) return serve(route, request, facts, plan, outcome);
  return throughChain(route, route.chain, { request, facts, plan, outcome });
}

/** The answer to a request that its listener refuses: it could not be read, or is one too many. */
export function refuseUnread(plan: Plan, refusal: Refusal, scheme: "http" | "https"): HttpAnswer {
  const { problem: code, detail, status, peer, method, target } = refusal;
  const answer = problem(code, detail, { head: method === "HEAD", status });
  // The one whose handler has it already says itself what became of it.
  if (refusal.request !== undefined) return answer;
  const shown = { method, url: target, headers: new Fields() };
  const refused = refusedRequest(shown, peer, scheme, plan.read.clock);
  const outcome = new RequestOutcome(refused.started, entryOf(refused, plan));
  outcome.reason = code;
  outcome.counts = plan.unmatched;
  return plan.end(outcome, answer);
}

/** What is to be written of a request; undefined: nothing. */
const entryOf = (facts: IncomingRequest, { accessLog, tracing, requestIds }: Plan): AccessLogEntry | undefined =>
  accessLog === undefined && tracing === undefined
    ? undefined
    : new AccessLogEntry(facts, requestIds.of(facts), tracing?.begin(facts));

/** The answer to a request that no route takes. */
function unmatched(plan: Plan, outcome: RequestOutcome, code: ProblemCode, detail: string, head: boolean): HttpAnswer {
  outcome.reason = code;
  outcome.counts = plan.unmatched;
  return problem(code, detail, { head });
}

const NO_ROUTE = ["no_route", "No route matches this method, host and path"] as const;
const AMBIGUOUS = ["ambiguous_path", AMBIGUOUS_PATH] as const;

/** A request that a route has taken, and what serving it needs. */
interface Intake {
  readonly request: ClientRequest;
  readonly facts: IncomingRequest;
  readonly plan: Plan;
  readonly outcome: RequestOutcome;
}

/** What a route with middleware answers. */
async function throughChain(
  route: GatewayRoute,
  chain: Chain,
  { request, facts, plan, outcome }: Intake,
): Promise<HttpAnswer> {
  const { entry } = outcome;
  if (entry !== undefined) entry.route = route.rule.id;
  outcome.deferred = true;
  let served = false;
  const answered = await chain(request, facts, outcome, (sent, changed, within) => {
    served = true;
    const timed = within === undefined ? route : hurried(route, within);
    return serve(timed, sent, changed, plan, outcome);
  });
  if (!served) outcome.reason ??= "middleware";
  outcome.counts ??= route.counts;
  return plan.end(outcome, answered);
}

/** The route with only so many milliseconds left to the answer's headers. */
function hurried(route: GatewayRoute, within: number): GatewayRoute {
  if (route.kind !== "proxy") return route;
  const { response } = route.rule.timeouts;
  if (response > 0 && response <= within) return route;
  const rule = withResponse(route.rule, within);
  return { ...route, rule, proxy: { ...route.proxy, rule } };
}

/** What a route is for. */
function serve(
  route: GatewayRoute,
  request: ClientRequest,
  facts: IncomingRequest,
  plan: Plan,
  outcome: RequestOutcome,
): HttpAnswer | Promise<HttpAnswer> {
  if (route.kind === "proxy") return plan.forwarder.forward(request, facts, route.proxy, outcome);
  const redirected = route.answer(facts);
  if (redirected === undefined) outcome.reason = "no_route";
  if (outcome.entry !== undefined) {
    outcome.entry.route = route.rule.id;
    outcome.entry.error = outcome.reason;
  }
  const answer = redirected ?? problem("no_route", NO_REDIRECT, { head: facts.method === "HEAD" });
  if (outcome.deferred) return answer;
  outcome.counts = route.counts;
  return plan.end(outcome, answer);
}

const NO_REDIRECT = "The path is none that this route redirects";
