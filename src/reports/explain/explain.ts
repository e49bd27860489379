import type { WeightedBackend } from "../../balancing/weighted-backend.ts";
import { isPlainPath } from "../../base/path-check.ts";
import type { ClusterOptions } from "../../discovery/options.ts";
import type { ClusterStatus, Discovery } from "../../discovery/views.ts";
import type { IncomingRequest, ParseOptions } from "../../http/request.ts";
import type { MiddlewareEntry } from "../../middleware/catalog.ts";
import type { ProxyRule } from "../../proxy/options.ts";
import { refuse } from "../../proxy/refuse.ts";
import { mayRetry } from "../../proxy/retry.ts";
import type { CompiledRoute, ForwardingRoute } from "../../proxy/route.ts";
import { wantsWebSocket } from "../../proxy/switched.ts";
import { KEPT_BYTES } from "../../proxy/upload.ts";
import type { HeaderChanges, QueryChanges, RouteRule } from "../../routing/options.ts";
import type { RouteTable } from "../../routing/table.ts";
import { upstreamScheme } from "../../routing/upstream-scheme.ts";
import type { Explained, ExplainedRequest, ExplainedService, ExplainedUpstream, HeaderNames } from "./answer.ts";
import type { Held } from "./ejections.ts";
import { type ExplainQuery, type OwnListener, readQuestion } from "./question.ts";
import { explainService } from "./services.ts";
import { ambiguous, forwarded, inReadings, noRoute, problemAnswer, problemVerdict, redirected } from "./verdict.ts";
import { explainMiddleware } from "./words.ts";

/** What explaining reads of a route, every default filled in. */
export interface ExplainedRule extends ProxyRule, RouteRule {
  readonly scheme?: "http" | "https" | "ws" | "wss" | undefined;
  readonly middleware: readonly MiddlewareEntry[];
  readonly request_headers?: HeaderChanges | undefined;
  readonly request_query?: QueryChanges | undefined;
  readonly response_headers?: HeaderChanges | undefined;
}

/** What a gateway shows of itself to be explained: nothing of it is moved. */
export interface ExplainSources {
  readonly config: {
    readonly server: OwnListener;
    readonly discovery?: { readonly clusters: readonly Pick<ClusterOptions, "id" | "mode">[] } | undefined;
  };
  readonly discovery: Discovery;
  readonly routes: { readonly table: RouteTable<CompiledRoute<ExplainedRule>> };
  readonly read: ParseOptions;
  /** A route as it may be shown: without secrets. */
  shownRoute(route: ExplainedRule): Readonly<Record<string, unknown>>;
  status(): readonly ClusterStatus[];
  /**
   * Waits for what a request would wait for: a first list under way, or the apiserver itself in mode `request`. Left
   * out: only the latter is waited for, since there nothing is known before.
   */
  readonly patient?: boolean;
  /** Where workers serve, and the pools here do not: what each of them holds against addresses. */
  readonly workers?: readonly (readonly Held[])[] | undefined;
}

function requestOf(facts: IncomingRequest, headers: readonly string[]): ExplainedRequest {
  const { method, scheme, host, path, search, client } = facts;
  return { method, scheme, host, path, query: [...new Set(new URLSearchParams(search).keys())], headers, client };
}

const namesOf = ({ set, add, remove }: HeaderChanges): HeaderNames => ({
  set: Object.keys(set),
  add: Object.keys(add),
  remove,
});

function hostOf(
  { pass_host: policy, upstream_host }: ExplainedRule,
  facts: IncomingRequest,
): ExplainedUpstream["host"] {
  if (policy === "node") return { policy, value: null };
  return { policy, value: policy === "rewrite" ? (upstream_host ?? facts.authority) : facts.authority };
}

/** A body as the headers announce it: what a retry would have to send again. */
const bodyOf = ({ headers }: IncomingRequest): { readonly repeatable: boolean } | undefined =>
  headers.has("content-length") || headers.has("transfer-encoding")
    ? { repeatable: Number(headers.get("content-length")) <= KEPT_BYTES }
    : undefined;

/** Whether a redirect's own words hold what may be a secret. */
const redirectHides = (rule: ExplainedRule, sources: ExplainSources): boolean =>
  JSON.stringify(sources.shownRoute(rule).redirect) !== JSON.stringify(rule.redirect);

function upstreamOf(
  { rule, proxy }: ForwardingRoute<ExplainedRule>,
  facts: IncomingRequest,
  sources: ExplainSources,
): ExplainedUpstream {
  const { timeouts, retries, request_headers, request_query, response_headers } = rule;
  const scheme = upstreamScheme(rule.scheme);
  const sent = proxy.rewrite(facts.path, facts);
  const key = rule.rewrite_path === undefined ? "strip_prefix" : "rewrite_path";
  const applies = retries.on.filter((cause) => mayRetry(retries, cause, facts.method, bodyOf(facts)));
  return {
    scheme: wantsWebSocket(facts) ? (scheme === "https" ? "wss" : "ws") : scheme,
    path: { sent, by: sent === facts.path ? null : key },
    host: hostOf(rule, facts),
    ...(request_headers && { request_headers: namesOf(request_headers) }),
    ...(request_query && { request_query: { set: Object.keys(request_query.set), remove: request_query.remove } }),
    ...(response_headers && { response_headers: namesOf(response_headers) }),
    timeouts,
    retries: { ...retries, applies: retries.attempts !== 1 ? applies : [] },
    health: sources.shownRoute(rule).health as ExplainedUpstream["health"],
  };
}

/** Each service's part of the route's requests: those of a priority that is not in use have none. */
function sharesOf(choices: readonly WeightedBackend[], inUse: number): number[] {
  const used = choices.filter(({ priority }) => priority === inUse);
  const total = used.reduce((sum, { weight }) => sum + weight, 0);
  return choices.map((choice) => {
    if (choice.priority !== inUse) return 0;
    return total === 0 ? 1 / used.length : choice.weight / total;
  });
}

async function servicesOf(
  { rule, choices, proxy }: ForwardingRoute<ExplainedRule>,
  facts: IncomingRequest,
  sources: ExplainSources,
): Promise<ExplainedService[]> {
  const modes = new Map(sources.config.discovery?.clusters.map(({ id, mode }) => [id, mode]));
  await Promise.all(
    choices.map(({ upstream }) =>
      sources.patient || modes.get(upstream.cluster) === "request" ? upstream.refresh() : undefined,
    ),
  );
  const clusters = sources.status();
  const inUse = proxy.backends.activePriority();
  const settled = proxy.backends.pinned(facts);
  const shares = sharesOf(choices, inUse);
  return choices.map((choice, index) =>
    explainService(
      choice,
      {
        ...{ id: rule.id, balancer: rule.balancer, share: shares[index]!, inUse: choice.priority === inUse },
        chosen: choices.length > 1 && choice === settled,
      },
      facts,
      { ...sources, clusters },
    ),
  );
}

/** What the proxy refuses before it looks for a node; undefined: nothing. */
async function refusedByProxy({ rule, proxy }: ForwardingRoute<ExplainedRule>, facts: IncomingRequest) {
  const refused = refuse(facts);
  if (refused !== undefined) return problemAnswer(refused);
  const changed = proxy.rewrite(facts.path, facts);
  if (changed !== facts.path && !isPlainPath(changed)) {
    return problemVerdict("bad_request", `the path, as route ${rule.id} rewrites it, cannot be asked for`);
  }
  const limit = proxy.bodyBytes ?? 0;
  if (limit === 0 || Number(facts.headers.get("content-length")) <= limit) return undefined;
  return problemVerdict("body_too_large", `the body is larger than the ${limit} bytes route ${rule.id} takes`);
}

/**
 * What becomes of a request: the route that takes it and why the others do not, what is made of it, and the nodes it
 * may go to. Reads what the next request would read, and moves nothing: no turn is taken, nothing is counted.
 *
 * @throws {ExplainQueryError} where the question is not about a request.
 */
export async function explainRequest(query: ExplainQuery, sources: ExplainSources): Promise<Explained> {
  const { config, routes, workers } = sources;
  const { facts, refused, headerNames } = readQuestion(query, config.server, sources.read);
  const request = requestOf(facts, headerNames);
  const nothing = { route: null, middleware: [], services: [] };
  if (refused !== undefined) {
    const verdict = problemVerdict(
      refused.problem,
      "the request is refused before a route is looked for",
      refused.detail,
    );
    return { request, verdict, routes: [], ...nothing };
  }
  const considered = routes.table.explain(facts);
  const route = routes.table.match(facts);
  if (route === undefined) {
    const readings = routes.table.ambiguity(facts);
    if (readings === undefined) return { request, verdict: noRoute(considered), routes: considered, ...nothing };
    return { request, verdict: ambiguous(readings), routes: inReadings(considered, readings), ...nothing };
  }
  const middleware = explainMiddleware(route.rule.middleware);
  const found = { request, routes: considered, route: route.rule.id, middleware };
  if (route.kind === "redirect") {
    const answer = route.answer(facts);
    const verdict =
      answer === undefined
        ? problemVerdict("no_route", "the route's redirect finds nothing in the path")
        : redirected(answer, middleware, redirectHides(route.rule, sources));
    return { ...found, verdict, services: [] };
  }
  const upstream = upstreamOf(route, facts, sources);
  const services = await servicesOf(route, facts, sources);
  const verdict = (await refusedByProxy(route, facts)) ?? forwarded(services, middleware, workers !== undefined);
  return { ...found, verdict, upstream, services, ...(workers && { workers: workers.length }) };
}
