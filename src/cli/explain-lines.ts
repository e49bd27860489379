import type {
  ExcludedNode,
  Explained,
  ExplainedNode,
  ExplainedService,
  ExplainedUpstream,
  HeaderNames,
} from "../reports/explain/answer.ts";
import { PORT_WORDS } from "../reports/explain/words.ts";
import type { RouteExplanation } from "../routing/explain.ts";

/** As many as a person reads; `--verbose` and `--json` have all. */
const SHOWN = 20;

/** A label and what belongs to it, in two columns. */
const row = (label: string, text: string): string => `  ${label.padEnd(11)}${text}`.trimEnd();

/** Lines whose first has the label. */
const rows = (label: string, texts: readonly string[]): string[] =>
  texts.map((text, index) => row(index === 0 ? label : "", text));

/** Cells in columns, each as wide as its widest. */
function columns(lines: readonly (readonly string[])[]): string[] {
  const widths = lines.reduce<number[]>(
    (most, cells) => cells.map((cell, i) => Math.max(most[i] ?? 0, cell.length)),
    [],
  );
  return lines.map((cells) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );
}

const milliseconds = (ms: number): string => (ms === 0 ? "none" : `${ms} ms`);

/** How much is said of a route: the one that takes the request, others that would, those that nearly would. */
function interest({ id, matched, unmet = [] }: RouteExplanation, taken: string | null): number {
  if (id === taken) return 0;
  if (matched) return 1;
  return unmet.length === 1 && unmet[0] !== "path" ? 2 : 3;
}

function considered(routes: readonly RouteExplanation[], taken: string | null, verbose: boolean): string[] {
  if (routes.length === 0) return [];
  const places = [...routes.keys()];
  const told = places.toSorted((a, b) => interest(routes[a]!, taken) - interest(routes[b]!, taken) || a - b);
  const shown = verbose ? places : told.slice(0, SHOWN).sort((a, b) => a - b);
  const lines = columns(
    shown.map((place) => {
      const { id, reason } = routes[place]!;
      return [id === taken ? ">" : "-", id, reason];
    }),
  );
  const more = routes.length - shown.length;
  return [
    "routes, in order of precedence",
    ...lines.map((line) => `  ${line}`),
    ...(more > 0 ? [`  … and ${more} more that do not match (--verbose)`] : []),
  ];
}

function nameChanges(label: string, names: Partial<HeaderNames> | undefined): string[] {
  const parts = Object.entries(names ?? {}).filter(([, list]: [string, readonly string[]]) => list.length > 0);
  return parts.length === 0 ? [] : [row(label, parts.map(([verb, list]) => `${verb} ${list.join(", ")}`).join("; "))];
}

function healthText({ passive, active }: ExplainedUpstream["health"]): string {
  const after =
    passive === false
      ? "nobody is ejected"
      : `ejected for ${passive.eject} ms after ${passive.failures} failures, longer each time`;
  return active === false ? after : `${after}; asked for ${active.path} every ${active.interval} ms`;
}

function upstreamLines(upstream: ExplainedUpstream, asked: string): string[] {
  const { scheme, path, host, timeouts, retries } = upstream;
  const { attempts, on, applies } = retries;
  const tries =
    attempts === 1 || on.length === 0
      ? "none"
      : `${attempts === "all" ? "every address is tried" : `${attempts} tries in all`}, on ${on.join(", ")}`;
  const not = on.filter((cause) => !applies.includes(cause));
  const limits = attempts !== 1 && not.length > 0 ? ` (not on ${not.join(", ")} for this request)` : "";
  return [
    row("path", path.by === null ? `${path.sent}, as it came` : `${path.sent}, from ${asked} by ${path.by}`),
    row("host", `${host.value ?? "the node's address"} (pass_host: ${host.policy})`),
    row("scheme", scheme),
    ...nameChanges("request", upstream.request_headers),
    ...nameChanges("query", upstream.request_query),
    ...nameChanges("response", upstream.response_headers),
    row(
      "timeouts",
      `connect ${milliseconds(timeouts.connect)}, try ${milliseconds(timeouts.try)}, response ${milliseconds(timeouts.response)}, idle ${milliseconds(timeouts.idle)}`,
    ),
    row("retries", tries + limits),
    row("health", healthText(upstream.health)),
  ];
}

function clusterText({ cluster }: ExplainedService): string[] {
  if (cluster === undefined) return [];
  const { id, state, stale, ages, lastError } = cluster;
  const named = id === "" ? "" : `${id}: `;
  const age = ages.byte === null ? "never heard of" : `heard of ${ages.byte.toFixed(1)} s ago`;
  return rows("cluster", [
    `${named}${state}${stale && state !== "syncing" ? ", stale" : ""}, ${age}`,
    ...(lastError === null ? [] : [lastError]),
  ]);
}

const ASKED_FROM = {
  reference: "",
  port_name: " (the route's port_name)",
  scheme: " (the route's scheme)",
  nowhere: "",
} as const;

function portText({ port }: ExplainedService): string[] {
  if (port === undefined) return [];
  const asked = port.asked === null ? "not named" : `${port.asked}${ASKED_FROM[port.from]}`;
  if (port.by === null) return [row("port", `${asked}: there is none`)];
  const found = port.ports.map(({ name, port: number }) => (name === "" ? String(number) : `${name} (${number})`));
  return [row("port", `${asked}: ${PORT_WORDS[port.by]}, ${found.join(", ")}`)];
}

function balancingText({ balancing }: ExplainedService, workers: number | undefined): string[] {
  const { policy, key, by } = balancing;
  if (by === null) return [];
  const turns = workers === undefined ? "the first has the next turn" : `each of ${workers} workers by its own turns`;
  const HOW = {
    client: `the request has no such ${key?.split(" ")[0]}: the first, by the client's address`,
    turn: key === undefined ? turns : `the request has no such ${key.split(" ")[0]}: ${turns}`,
    key: `the first, by ${key}`,
    cookie: `the first, by its ${key}`,
    load: "the less busy of two drawn by weight",
    chance: "drawn by weight",
  };
  return [row("balancer", `${policy}: ${HOW[by]}`)];
}

const addressOf = ({ host, port }: { host: string; port: number }): string =>
  `${host.includes(":") ? `[${host}]` : host}:${port}`;

const nodeCells = (node: ExplainedNode): string[] => [
  addressOf(node),
  `weight ${node.weight}${node.priority === undefined ? "" : `, priority ${node.priority}`}`,
  node.inFlight === undefined ? "" : `${node.inFlight} in flight`,
  node.pod ?? "",
  node.zone ?? "",
  node.doubt ?? "",
];

const excludedCells = (node: ExcludedNode): string[] => [
  addressOf(node),
  node.reason,
  node.pod ?? "",
  node.slice ?? "",
];

function cut(lines: readonly string[], verbose: boolean): string[] {
  if (verbose || lines.length <= SHOWN) return [...lines];
  return [...lines.slice(0, SHOWN), `… and ${lines.length - SHOWN} more (--verbose)`];
}

function serviceLines(
  service: ExplainedService,
  { split, verbose, workers }: { split: boolean; verbose: boolean; workers: number | undefined },
): string[] {
  const part = `${Math.round(service.share * 1000) / 10} % of the requests (weight ${service.weight})`;
  const why = service.chosen ? ", and the one this request means" : "";
  const share = !split ? "" : `  ${service.inUse ? part + why : `waits: priority ${service.priority}`}`;
  const title = service.service === null ? `nodes of route ${service.reference}` : `service ${service.reference}`;
  const { code, reason, notes = [] } = service;
  return [
    title + share,
    ...clusterText(service),
    ...portText(service),
    ...balancingText(service, workers),
    ...rows("nodes", cut(columns(service.nodes.map(nodeCells)), verbose)),
    ...rows("not used", cut(columns(service.excluded.map(excludedCells)), verbose)),
    ...(code === undefined ? [] : rows("no node", [`${code}: ${reason}`])),
    ...rows("notes", cut(notes, verbose)),
  ];
}

/** An explanation for a terminal: the end of it first, then how it comes about. Without colours. */
export function explainLines(answer: Explained, { verbose }: { verbose: boolean }): string[] {
  const { request, verdict, routes, route, middleware, upstream, services, workers } = answer;
  const target = `${request.scheme}://${request.host}${request.path}${request.query.length > 0 ? "?…" : ""}`;
  const blocks = [
    [`${request.method} ${target}`, `  ${verdict.summary}`],
    considered(routes, route, verbose),
    route === null
      ? []
      : [
          `route ${route}`,
          ...rows(
            "middleware",
            middleware.map(({ name, answers }) => `${name}${answers === undefined ? "" : `: may answer ${answers}`}`),
          ),
          ...(upstream === undefined ? [] : upstreamLines(upstream, request.path)),
        ],
    ...services.map((service) => serviceLines(service, { split: services.length > 1, verbose, workers })),
  ];
  return blocks.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ["", ...lines]));
}
