import type { RouteConfig } from "../../config/schema.ts";
import type { StreamConfig } from "../../config/stream-schema.ts";
import type { ServiceSummary, ServicesPage } from "../../discovery/catalog.ts";
import type { ClusterStatus, NodesAnswer } from "../../discovery/views.ts";
import type { GatewayEvent } from "../../observe/events.ts";
import type { PoolCounts, StreamTraffic } from "../../observe/traffic.ts";
import type { RecentTraffic, TrafficHistory } from "../../observe/traffic-history.ts";
import type { AdminView } from "../view.ts";
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
  readonly readiness: ReturnType<AdminView["readiness"]>;
  readonly refused: readonly string[];
  readonly clusters: readonly ClusterStatus[];
  readonly total: RecentTraffic;
  readonly routes: {
    readonly total: number;
    readonly found: number;
    /** The addresses of all routes. */
    readonly pools: readonly PoolCounts[];
    readonly page: readonly { readonly route: ShownRoute; readonly traffic: RecentTraffic | undefined }[];
  };
  readonly services: ServicesPage & {
    /** By reference; only of services on the page. */
    readonly open: ReadonlyMap<string, readonly OpenPort[]>;
  };
  readonly events: readonly GatewayEvent[];
}

/** What a console looks at. */
export interface ConsoleParts {
  readonly view: AdminView;
  readonly history: TrafficHistory;
  now(): number;
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
  { view, history, now, nodes }: ConsoleParts & { readonly nodes: AskNodes },
  state: ConsoleState,
): Promise<Model> {
  const words = state.rq.toLowerCase().split(/\s+/).filter(Boolean);
  const routes = view.routes() as readonly ShownRoute[];
  const found = words.length === 0 ? routes : routes.filter((route) => allIn(words, routeText(route).toLowerCase()));
  const firstRoute = (state.rpage - 1) * ROUTES;
  const services = view.services({ search: state.q, offset: (state.page - 1) * SERVICES, limit: SERVICES });
  const opened = services.services.filter(({ reference }) => state.open.includes(reference));
  const clusters = view.status();
  const open = await Promise.all(
    opened.map(async (one) => [one.reference, await openPorts({ nodes, clusters }, one)] as const),
  );
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
      pools: history.last().pools,
      page: found.slice(firstRoute, firstRoute + ROUTES).map((route) => ({ route, traffic: history.route(route.id) })),
    },
    streams: { shown: view.streams() as readonly ShownStream[], traffic: history.last().streams ?? [] },
    services: { ...services, open: new Map(open) },
    events: view.events(EVENTS),
  };
}

const allIn = (words: readonly string[], text: string): boolean => words.every((word) => text.includes(word));
