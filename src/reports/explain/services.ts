import type { BalancerConfig } from "../../balancing/options.ts";
import type { Preview, TargetState } from "../../balancing/types.ts";
import type { WeightedBackend } from "../../balancing/weighted-backend.ts";
import type { Endpoint } from "../../discovery/types.ts";
import type { ClusterStatus, Discovery, Node, NodeDetail, NodesAnswer } from "../../discovery/views.ts";
import type { IncomingRequest } from "../../http/request.ts";
import type { ExcludedNode, ExplainedNode, ExplainedService } from "./answer.ts";
import type { Held } from "./ejections.ts";
import { explainBalancer } from "./words.ts";

/** What explaining services asks. */
export interface ServiceSources {
  readonly discovery: Discovery;
  readonly clusters: readonly ClusterStatus[];
  /** What each worker holds against addresses; undefined: the pools here are those that serve. */
  readonly workers?: readonly (readonly Held[])[] | undefined;
}

/** What a service belongs to. */
interface OfRoute {
  readonly id: string;
  readonly balancer: BalancerConfig;
  /** Of the route's requests. */
  readonly share: number;
  readonly inUse: boolean;
  readonly chosen: boolean;
}

const addressOf = ({ host, port }: Node): string => `${host} ${port}`;

/** What discovery knows of a node; a plain one is known by its address alone. */
function detailsOf(endpoint: Endpoint, known: ReadonlyMap<string, NodeDetail>): Omit<NodeDetail, "excluded"> | Node {
  const { host, port, weight, priority } = endpoint;
  return known.get(addressOf(endpoint)) ?? { host, port, weight, ...(priority !== 0 && { priority }) };
}

const isoTime = (ms: number): string => new Date(ms).toISOString();

/** What speaks against sending requests to it; undefined: nothing. */
function faultOf({ ejectedUntil, healthy, endpoint }: TargetState): Pick<ExcludedNode, "reason" | "until"> | undefined {
  if (ejectedUntil !== undefined) {
    const until = isoTime(ejectedUntil);
    return { reason: `ejected after failed requests until ${until}`, until };
  }
  if (!healthy) return { reason: "its active health checks fail" };
  return endpoint.weight === 0 ? { reason: "its weight is 0, and others have some" } : undefined;
}

function usedNode(state: TargetState, known: ReadonlyMap<string, NodeDetail>): ExplainedNode {
  const { endpoint, inFlight } = state;
  const fault = endpoint.weight === 0 && state.healthy && state.ejectedUntil === undefined ? undefined : faultOf(state);
  const terminates = endpoint.terminating ? "terminating: used because no ready one exists" : undefined;
  const doubt = fault?.reason ?? terminates ?? known.get(addressOf(endpoint))?.behind;
  return { ...detailsOf(endpoint, known), inFlight, ...(doubt === undefined ? {} : { doubt }) };
}

function leftOut({ excluded, ...node }: NodeDetail): ExcludedNode {
  return { ...node, reason: excluded ?? "not used" };
}

/** Why others come before an address that nothing speaks against. */
function behindOf({ endpoint, standby }: TargetState, known: ReadonlyMap<string, NodeDetail>): string {
  const { behind } = known.get(addressOf(endpoint)) ?? {};
  if (behind !== undefined) return behind;
  if (!standby) return "others come first";
  return `priority ${endpoint.priority}: used while no node of a higher one takes traffic, and for last tries`;
}

/** What the pool sends no requests to although discovery would. */
function setApart(state: TargetState, known: ReadonlyMap<string, NodeDetail>): ExcludedNode {
  const fault = faultOf(state) ?? { reason: behindOf(state, known) };
  return { ...detailsOf(state.endpoint, known), ...fault };
}

/** Why a service has no node for this request. */
function reasonOf(answer: NodesAnswer | undefined, choice: WeightedBackend): Partial<ExplainedService> {
  const why = choice.upstream.reason();
  if (answer?.code !== undefined) {
    const { code, reason, available } = answer;
    return { code, reason: reason ?? code, ...(available === undefined ? {} : { available }) };
  }
  if (why === undefined) return { code: "no_endpoints", reason: "no address takes traffic" };
  return { code: why.code, reason: why.detail };
}

/** The nodes of a preview, with what workers, where there are some, found out by themselves. */
function nodesOf(
  preview: Preview,
  known: ReadonlyMap<string, NodeDetail>,
  { route, service, workers }: { route: string; service: string; workers: ServiceSources["workers"] },
): { nodes: ExplainedNode[]; excluded: ExcludedNode[] } {
  const excluded = preview.others.map((state) => setApart(state, known));
  if (workers === undefined) return { nodes: preview.order.map((state) => usedNode(state, known)), excluded };
  const nodes: ExplainedNode[] = [];
  for (const state of preview.order) {
    const { host, port } = state.endpoint;
    const isIt = (held: Held): boolean =>
      held.route === route && held.service === service && held.host === host && held.port === port;
    const ejected = workers.map((all) => all.find(isIt)?.until).filter((until) => until !== undefined);
    const { inFlight: _ofNobody, ...node } = usedNode(state, known);
    if (ejected.length === 0) {
      nodes.push(node);
      continue;
    }
    const until = isoTime(Math.max(...ejected));
    const who = `${ejected.length} of ${workers.length} workers`;
    const reason = `ejected after failed requests by ${who} until ${until}`;
    if (ejected.length < workers.length) nodes.push({ ...node, doubt: reason });
    else excluded.unshift({ ...detailsOf(state.endpoint, known), reason, until });
  }
  return { nodes, excluded };
}

/** Explains one service of a route. It is read as the next request would find it, and left as it is. */
export function explainService(
  choice: WeightedBackend,
  route: OfRoute,
  facts: IncomingRequest,
  { discovery, clusters, workers }: ServiceSources,
): ExplainedService {
  const { pool, upstream, query, weight, priority } = choice;
  const preview: Preview = pool.preview(facts);
  const answer = query && discovery.query(query, { verbose: true });
  const known = new Map((answer?.nodes ?? []).map((node) => [addressOf(node), node as NodeDetail]));
  const cluster = query && clusters.find(({ id }) => id === upstream.cluster);
  const { nodes, excluded } = nodesOf(preview, known, { route: route.id, service: upstream.name, workers });
  const empty = preview.order.length === 0;
  return {
    service: query?.service ?? null,
    reference: upstream.name,
    weight,
    share: route.share,
    priority,
    inUse: route.inUse,
    ...(route.chosen && { chosen: true }),
    ...(cluster === undefined ? {} : { cluster: clusterOf(cluster) }),
    ...(answer?.port === undefined ? {} : { port: answer.port }),
    balancing: { ...explainBalancer(route.balancer), by: empty ? null : preview.by },
    nodes,
    excluded: [...excluded, ...(answer?.excluded ?? []).map(leftOut)],
    ...(answer?.notes === undefined ? {} : { notes: answer.notes }),
    ...(empty ? reasonOf(answer, choice) : {}),
  };
}

function clusterOf({ id, mode, state, stale, ages, lastError }: ClusterStatus): ExplainedService["cluster"] {
  return { id, mode, state, stale, ages, lastError };
}
