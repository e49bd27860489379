/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";
import { type RecentTraffic, TRAFFIC_POINTS, TRAFFIC_STEP_MS } from "../../telemetry/traffic-history.ts";
import { Sparkline } from "./chart.tsx";
import { type Model, pathText, ROUTES, type RouteRow } from "./model.ts";
import { type Column, Pages, Search, Section, Table } from "./pieces.tsx";
import { RouteTarget } from "./target.tsx";
import { figure, percent, showMilliseconds } from "./words.ts";

/** Points that the figures are taken over: ten seconds, so that they neither jump nor lag. */
const RECENT = 5;

/** The last minutes in words: what all charts show. */
export const SPAN = `last ${(TRAFFIC_POINTS * TRAFFIC_STEP_MS) / 60_000} minutes`;

const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0);
/** Points without a figure do not count. */
function highest(values: Float32Array): number {
  let top = 0;
  for (const value of values) if (value > top) top = value;
  return top;
}

/** The newest figure there is among the recent points. */
function latest(values: Float32Array): number {
  for (let index = values.length - 1; index >= values.length - RECENT; index--) {
    if (!Number.isNaN(values[index]!)) return values[index]!;
  }
  return Number.NaN;
}

/** What the last ten seconds came to. */
export function recent({ rate, errors, p50, p95 }: RecentTraffic): {
  rate: number;
  /** Of the answers, 0 to 1. */
  errors: number;
  p50: number;
  p95: number;
} {
  const requests = sum(rate.slice(-RECENT));
  return {
    rate: requests / RECENT,
    errors: requests === 0 ? 0 : sum(errors.slice(-RECENT)) / requests,
    p50: latest(p50),
    p95: latest(p95),
  };
}

/** The three charts of a route, or of all of them together. */
export function charts(traffic: RecentTraffic, of: string): { rate: Child; errors: Child; p95: Child } {
  const now = recent(traffic);
  const top = highest(traffic.rate);
  const worst = highest(traffic.errors);
  const slowest = highest(traffic.p95);
  return {
    rate: (
      <Sparkline
        values={traffic.rate}
        least={1}
        label={`Requests to ${of}, ${SPAN}: now ${figure(now.rate)} a second, at most ${figure(top)}`}
      />
    ),
    errors: (
      <Sparkline
        values={traffic.errors}
        least={Math.max(0.5, top / 4)}
        tone="bad"
        label={`Errors of ${of}, ${SPAN}: at most ${figure(worst)} a second`}
      />
    ),
    p95: (
      <Sparkline
        values={traffic.p95}
        least={10}
        label={`Latency of ${of}, 95th percentile, ${SPAN}: at most ${showMilliseconds(slowest)}`}
      />
    ),
  };
}

/** Addresses of a route that get nothing at the moment, over all its services. */
function outOfTurn({ routes }: Model, id: string): { ejected: number; unhealthy: number; standby: number } {
  const sum = { ejected: 0, unhealthy: 0, standby: 0 };
  for (const { route, ejected, unhealthy, standby } of routes.pools) {
    if (route !== id) continue;
    sum.ejected += ejected;
    sum.unhealthy += unhealthy;
    sum.standby += standby;
  }
  return sum;
}

const COLUMNS: readonly Column[] = [
  "Route",
  "Goes to",
  "Requests/s",
  "Errors",
  { name: "p95", title: "95th percentile of the time to an answer's headers" },
];

/** The figures of a row with their charts. */
function Cells({ traffic, of }: { traffic: RecentTraffic | undefined; of: string }): Child {
  if (traffic === undefined) {
    return (
      <td colspan={3} class="soft quiet" data-label="Traffic">
        no requests yet
      </td>
    );
  }
  const now = recent(traffic);
  const chart = charts(traffic, of);
  return (
    <>
      <td data-label="Requests/s" class="chart">
        <span class="figure">{figure(now.rate)}</span>
        {chart.rate}
      </td>
      <td data-label="Errors" class="chart">
        <span class={`figure ${now.errors > 0 ? "bad" : ""}`}>{percent(now.errors)}</span>
        {chart.errors}
      </td>
      <td data-label="p95" class="chart">
        <span class="figure">{showMilliseconds(now.p95)}</span>
        {chart.p95}
      </td>
    </>
  );
}

function Row({ route, traffic, faults, model }: RouteRow & { model: Model }): Child {
  const { id, hosts, path, methods } = route;
  return (
    <tr data-key={`route-${id}`}>
      <th scope="row" data-label="Route">
        {id}
        <span class="match mono soft">
          {[methods?.join(","), `${hosts?.join(", ") ?? ""}${pathText(path)}`].filter(Boolean).join(" ")}
        </span>
      </th>
      <td data-label="Goes to">
        <RouteTarget of={route} state={model.state} {...outOfTurn(model, id)} />
        {faults.map((fault) => (
          <span class="told">{fault}</span>
        ))}
      </td>
      <Cells traffic={traffic} of={`route ${id}`} />
    </tr>
  );
}

/** Requests that no route took: they are in the figures of all routes together. */
function NoRoute({ traffic }: { traffic: RecentTraffic }): Child {
  return (
    <tr data-key="no-route">
      <th scope="row" data-label="Route">
        <span class="soft">no route</span>
      </th>
      <td data-label="Goes to" class="soft">
        answered here, 404 no_route for the most part
      </td>
      <Cells traffic={traffic} of="requests without a route" />
    </tr>
  );
}

/** The routes with what they did in the last minutes. */
export function Routes({ model }: { model: Model }): Child {
  const { state, routes } = model;
  const noRoute = state.rq === "" && state.rpage === 1 ? routes.unmatched : undefined;
  return (
    <Section id="routes" label="Routes">
      {routes.total > ROUTES || state.rq !== "" ? (
        <Search
          state={state}
          field="rq"
          page="rpage"
          label="Search routes"
          hint="id, host, path or service"
          place="routes"
          found={routes.found}
          total={routes.total}
        />
      ) : (
        ""
      )}
      {routes.page.length === 0 ? (
        <p class="empty">{routes.total === 0 ? "The config has no routes." : "No route has all of these words."}</p>
      ) : (
        <Table
          caption={`Routes with their requests a second, share of errors and latency in the ${SPAN}`}
          columns={COLUMNS}
          look="traffic"
        >
          {routes.page.map((row) => (
            <Row {...row} model={model} />
          ))}
          {noRoute === undefined ? "" : <NoRoute traffic={noRoute} />}
        </Table>
      )}
      <Pages state={state} field="rpage" size={ROUTES} found={routes.found} label="Pages of routes" place="routes" />
    </Section>
  );
}
