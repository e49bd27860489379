import { showUrl } from "../../base/redaction.ts";
import type { HttpAnswer } from "../../http/message.ts";
import { type ProblemCode, problemStatus } from "../../http/problem.ts";
import type { RouteExplanation } from "../../routing/explain.ts";
import { AMBIGUOUS_PATH } from "../../routing/table.ts";
import type { ExplainedMiddleware, ExplainedNode, ExplainedService, Verdict } from "./answer.ts";

/** A problem answer, with why. `detail` are the words for the client, where they are known here. */
export function problemVerdict(code: ProblemCode, why: string, detail?: string): Verdict {
  const status = problemStatus(code);
  const words = detail === undefined ? why : `${why}: ${detail}`;
  return {
    outcome: "problem",
    summary: `${status} ${code}: ${words}`,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
  };
}

/** A problem answer that was made already. */
export function problemAnswer({ body }: HttpAnswer): Verdict {
  const { code, detail } = JSON.parse(body as string) as { code: ProblemCode; detail: string };
  return problemVerdict(code, "the request is refused", detail);
}

/** No route takes it; the first that lacks only one rule, and not the path, is named. */
export function noRoute(routes: readonly RouteExplanation[]): Verdict {
  const near = routes.find(({ unmet = [] }) => unmet.length === 1 && unmet[0] !== "path");
  if (near !== undefined)
    return problemVerdict("no_route", `no route matches; nearest is ${near.id}, but ${near.reason}`);
  const pathHolds = routes.some(({ unmet = [] }) => !unmet.includes("path"));
  return problemVerdict("no_route", pathHolds ? "no route matches" : "no route has this path");
}

type Readings = readonly { readonly path: string; readonly route: { readonly rule: { id: string } } | undefined }[];

/** Its path leads to different routes, depending on how it is read. */
export function ambiguous(readings: Readings): Verdict {
  const ways = new Map(readings.map(({ path, route }) => [route?.rule.id, path] as const).toReversed());
  const words = Array.from(ways, ([id, path]) => (id === undefined ? `${path} has no route` : `${path} is for ${id}`));
  const why = `the path has several readings, of which ${words.toReversed().join(" and ")}`;
  return problemVerdict("ambiguous_path", why, AMBIGUOUS_PATH);
}

/** The routes again, where no route takes the request because its readings differ. */
export const inReadings = (routes: readonly RouteExplanation[], readings: Readings): RouteExplanation[] =>
  routes.map((route) => {
    const reading = readings.find((one) => one.route?.rule.id === route.id);
    if (reading !== undefined)
      return { id: route.id, matched: true, reason: `would take the path read as ${reading.path}` };
    return route.matched ? { ...route, reason: "matches, but another route comes first" } : route;
  });

/** Who may answer before the route does. */
function unless(middleware: readonly ExplainedMiddleware[]): string {
  const names = middleware.filter(({ answers }) => answers !== undefined).map(({ name }) => name);
  return names.length === 0 ? "" : `, unless middleware answers first (${names.join(", ")})`;
}

/** The route answers by itself. `hides`: its Location holds something that may be a secret. */
export function redirected(response: HttpAnswer, middleware: readonly ExplainedMiddleware[], hides: boolean): Verdict {
  const { status } = response;
  const sent = response.headers.get("location") ?? "";
  const location = hides ? showUrl(sent) : sent;
  return {
    outcome: "redirect",
    summary: `${status}: redirected to ${location}${unless(middleware)}`,
    status,
    location,
  };
}

const addressOf = ({ host, port }: ExplainedNode): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** Whom a request of this service gets. */
function receiver({ nodes, balancing, reference }: ExplainedService, byWorkers: boolean): string {
  const first = addressOf(nodes[0]!);
  if (nodes.length === 1) return `${first} (${reference})`;
  const { by } = balancing;
  const settled = by === "key" || by === "client" || by === "cookie" || (by === "turn" && !byWorkers);
  return settled ? `${first} (${reference})` : `one of ${nodes.length} nodes of ${reference}`;
}

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;

/** It is sent to a node of a service, if there is one. `byWorkers`: each has turns of its own. */
export function forwarded(
  services: readonly ExplainedService[],
  middleware: readonly ExplainedMiddleware[],
  byWorkers: boolean,
): Verdict {
  const chosen = services.filter((service) => service.chosen === true);
  const used = chosen.length > 0 ? chosen : services.filter(({ share }) => share > 0);
  const empty = used.filter(({ nodes }) => nodes.length === 0);
  const problemOf = ({ code, reason }: ExplainedService): Verdict =>
    problemVerdict(code ?? "no_endpoints", reason ?? "no address takes traffic");
  if (used.length === 1 && empty.length === 1) return problemOf(empty[0]!);
  const parts = used.map((service) => {
    const end = service.nodes.length === 0 ? problemOf(service).summary : `goes to ${receiver(service, byWorkers)}`;
    return used.length === 1 ? end : `${percent(service.share)} ${end}`;
  });
  const summary = `${parts.join("; ")}${unless(middleware)}`;
  if (empty.length === 0) return { outcome: "forward", summary };
  const { status, code } = problemOf(empty[0]!);
  const same = empty.length === used.length && empty.every((service) => problemOf(service).code === code);
  return same ? { outcome: "problem", summary, status: status!, code: code! } : { outcome: "depends", summary };
}
