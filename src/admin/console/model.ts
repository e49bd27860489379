import type { StreamConfig } from "../../config/schema/stream.ts";
import type { RouteConfig } from "../../config/schema.ts";
import type { ServiceSummary, ServicesPage } from "../../discovery/catalog.ts";
import type { ClusterStatus, NodesAnswer } from "../../discovery/views.ts";
import type { GatewayView } from "../../gateway/view.ts";
import type { GatewayEvent } from "../../telemetry/events.ts";
import type { PoolCounts, StreamTraffic } from "../../telemetry/traffic.ts";
import type { RecentTraffic, TrafficHistory } from "../../telemetry/traffic-history.ts";
import type { AskNodes } from "./shared-nodes.ts";
import type { ConsoleState } from "./state.ts";

/** Services on a page. */
export const SERVICES = 25;
/** Routes on a page. */
export const ROUTES = 20;
/** Events of the timeline. */
const EVENTS = 60;
/** Ports of an open service that are shown. */
const PORTS = 4;

/** A port of a service that is open, with its addresses. */
export interface OpenPort {
  readonly port: string;
  readonly answer: NodesAnswer;
}

/** A route as far as a list of them shows it. */
export type ShownRoute = Pick<RouteConfig, "id"> &
  Partial<Pick<RouteConfig, "hosts" | "path" | "methods" | "service" | "services" | "nodes" | "redirect">>;

/** A row of the list of routes. */
export interface RouteRow {
  readonly route: ShownRoute;
  readonly traffic: RecentTraffic | undefined;
  /** Why a service of it has no address. */
  readonly faults: readonly string[];
}

/** What the foot of the page says of the gateway. */
export interface About {
  readonly version: string;
  readonly runtime: string;
  /** The machine's or pod's name; undefined: not known. */
  readonly host: string | undefined;
  /** The config file, its hash as in the metrics, and whether it is in force as it stands now. */
  readonly file: string;
  readonly hash: number;
  readonly current: boolean;
}

/** A stream as far as a list of them shows it. */
export type ShownStream = Pick<StreamConfig, "id" | "listen" | "service" | "services" | "nodes" | "tls">;

/** Everything the page shows, gathered at one moment. */
export interface Model {
  readonly streams: {
    readonly shown: readonly ShownStream[];
    readonly traffic: readonly StreamTraffic[];
  };
  readonly state: ConsoleState;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly readiness: ReturnType<GatewayView["readiness"]>;
  readonly refused: readonly string[];
  readonly clusters: readonly ClusterStatus[];
  readonly total: RecentTraffic;
  readonly routes: {
    readonly total: number;
    readonly found: number;
    /** The addresses of all routes. */
    readonly pools: readonly PoolCounts[];
    /** Those of requests that no route took; undefined: there was none. */
    readonly unmatched: RecentTraffic | undefined;
    /** The ids of all that have no address to send to. */
    readonly nowhere: readonly string[];
    readonly page: readonly RouteRow[];
  };
  readonly services: ServicesPage & {
    /** By reference; only of services on the page. */
    readonly open: ReadonlyMap<string, readonly OpenPort[]>;
  };
  readonly events: readonly GatewayEvent[];
  readonly about: About;
}

/** What a console looks at. */
export interface ConsoleParts {
  readonly view: GatewayView;
  readonly history: TrafficHistory;
  now(): number;
  about(): About;
}

/** What a route takes, as its search reads it. */
export function routeText({ id, hosts, path, methods, service, services }: ShownRoute): string {
  const targets = [service, ...(services ?? []).map((one) => one.service)];
  return [id, ...(hosts ?? []), pathText(path), ...(methods ?? []), ...targets].join(" ");
}

/** A path rule in one word: `/v1`, `= /v1`, `~ ^/x`. */
export function pathText(path: RouteConfig["path"] | string | undefined): string {
  if (path === undefined) return "/";
  if (typeof path === "string") return path;
  if ("exact" in path) return `= ${path.exact}`;
  if ("regex" in path) return `~ ${path.regex}`;
  if ("template" in path) return path.template;
  return "starts_with" in path ? `${path.starts_with}…` : path.prefix;
}

/** The cluster that a reference names, or the only one. */
function clusterOf(reference: string, clusters: readonly ClusterStatus[]): ClusterStatus | undefined {
  const parts = reference.split("/");
  return clusters.length > 1 || parts.length > 2 ? clusters.find(({ id }) => id === parts[0]) : clusters[0];
}

/**
 * Services of routes that have no address, by route. In mode `request` nothing is known of a service until it is asked
 * for, and before a first list nothing at all: there is none then.
 */
function withoutAddress(pools: readonly PoolCounts[], clusters: readonly ClusterStatus[]): Map<string, string[]> {
  const known = ({ service }: PoolCounts): boolean => {
    const cluster = clusterOf(service, clusters);
    return cluster === undefined || (cluster.mode !== "request" && cluster.ages.list !== null);
  };
  const empty = pools.filter((pool) => pool.endpoints === 0 && pool.service !== "" && known(pool));
  return new Map(
    [...Map.groupBy(empty, ({ route }) => route)].map(([id, of]) => [id, of.map(({ service }) => service)]),
  );
}

async function openPorts(
  { nodes, clusters }: { nodes: AskNodes; clusters: readonly ClusterStatus[] },
  { cluster, reference, portKeys }: ServiceSummary,
): Promise<OpenPort[]> {
  const mode = clusters.find(({ id }) => id === cluster)?.mode;
  // A service whose ports are all unknown is asked for as it is: the answer has the reason.
  const asked = portKeys.length === 0 ? [""] : portKeys.slice(0, PORTS);
  return Promise.all(
    asked.map(async (port) => {
      const answer = await nodes(port === "" ? reference : `${reference}:${port}`, mode);
      return { port, answer };
    }),
  );
}

/** Gathers what this state of the console shows. */
export async function gather(
  { view, history, now, nodes, about }: ConsoleParts & { readonly nodes: AskNodes },
  state: ConsoleState,
): Promise<Model> {
  const words = state.rq.toLowerCase().split(/\s+/).filter(Boolean);
  const routes = view.routes() as readonly ShownRoute[];
  const found = words.length === 0 ? routes : routes.filter((route) => allIn(words, routeText(route).toLowerCase()));
  const firstRoute = (state.rpage - 1) * ROUTES;
  const { pools, streams = [] } = history.last();
  const services = view.services({ search: state.q, offset: (state.page - 1) * SERVICES, limit: SERVICES });
  const opened = services.services.filter(({ reference }) => state.open.includes(reference));
  const clusters = view.status();
  const open = await Promise.all(
    opened.map(async (one) => [one.reference, await openPorts({ nodes, clusters }, one)] as const),
  );
  const empty = withoutAddress(pools, clusters);
  const rows = found.slice(firstRoute, firstRoute + ROUTES).map(async (route): Promise<RouteRow> => {
    const services = empty.get(route.id) ?? [];
    const answers = await Promise.all(services.map((one) => nodes(one, clusterOf(one, clusters)?.mode)));
    const faults = answers.map(({ reason }, index) => reason ?? `${services[index]} has no addresses`);
    return { route, traffic: history.route(route.id), faults };
  });
  const sizes = Map.groupBy(pools, ({ route }) => route);
  return {
    state,
    now: now(),
    readiness: view.readiness(),
    refused: view.refusedConfig(),
    clusters,
    total: history.total(),
    routes: {
      total: routes.length,
      found: found.length,
      pools,
      unmatched: history.route(""),
      nowhere: [...empty].filter(([id, services]) => services.length === sizes.get(id)!.length).map(([id]) => id),
      page: await Promise.all(rows),
    },
    streams: { shown: view.streams() as readonly ShownStream[], traffic: streams },
    services: { ...services, open: new Map(open) },
    events: view.events(EVENTS),
    about: about(),
  };
}

const allIn = (words: readonly string[], text: string): boolean => words.every((word) => text.includes(word));
