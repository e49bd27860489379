import { Hono } from "hono";
import { accepts } from "hono/accepts";
import type { Clock } from "../base/clock.ts";
import type { GatewayView } from "../gateway/view.ts";
import { ExplainQueryError } from "../reports/explain/question.ts";
import type { ProcessMetrics } from "../telemetry/process-metrics.ts";
import { mayRead, onlyOwnNames, onlyWithToken, refusal, secureHeaders } from "./guard.ts";
import { allFamilies, expose, FORMATS } from "./metrics/exposition.ts";

const OPEN_METRICS = "application/openmetrics-text";

/** The config in force, as it may be shown. */
export interface ConfigInForce {
  /** As it was named at start. */
  readonly file: string;
  /** As `podway_config_hash` of the metrics: the same for replicas with the same config. */
  readonly hash: number;
  /** When it was taken up (ISO 8601). */
  readonly since: string;
  /** Whether the file as it stands now is what is in force. */
  readonly current: boolean;
  /** Every default filled in; "xxx" stands for what may be a secret. */
  readonly config: unknown;
}

/** What the admin API is made with, beside the gateway. */
export interface AdminOptions {
  /**
   * Guards everything but the two probes; undefined only where the listener is on loopback, which the config's check
   * sees to.
   */
  readonly token: string | undefined;
  processMetrics(): Promise<ProcessMetrics>;
  /** What `/v1/config` answers. */
  inForce(): ConfigInForce;
  readonly clock: Clock;
  /** The console; left out: there is none. */
  readonly console?: Hono | undefined;
}

/** The admin API (read only: no request changes anything), and the console where there is one. */
export function createAdminApp(
  view: GatewayView,
  { token, processMetrics, inForce, clock, console }: AdminOptions,
): Hono {
  const app = new Hono();
  app.use(secureHeaders, token === undefined ? onlyOwnNames : onlyWithToken(token));

  app.get("/healthz", (c) => c.text("ok\n"));

  app.get("/readyz", async (c) => {
    const { ready, draining, waiting } = view.readiness();
    // Why a cluster is waited for may be in its apiserver's own words: those are not for everybody who can connect.
    const shown = (await mayRead(c, token)) ? waiting : waiting.map(({ id }) => ({ id }));
    return c.json({ ready, draining, waiting: shown }, ready && !draining ? 200 : 503);
  });

  app.get("/metrics", async (c) => {
    const supports = ["text/plain", OPEN_METRICS];
    const wanted = accepts(c, { header: "Accept", supports, default: "text/plain" });
    const format = wanted === OPEN_METRICS ? FORMATS.openMetrics : FORMATS.text;
    const families = allFamilies(await view.metrics(), await processMetrics());
    return c.body(await expose(families, format, () => clock.sleep(0)), 200, { "content-type": format });
  });

  app.get("/v1/discovery/kubernetes/dump", (c) => c.json(view.dump()));

  app.get("/v1/discovery/kubernetes/nodes", async (c) => {
    const service = c.req.query("service");
    if (service === undefined || service === "") {
      return refusal("bad_request", "Say which service: ?service=namespace/name:port");
    }
    return c.json(await view.nodes(service, { verbose: isOn(c.req.query("verbose")) }));
  });

  app.get("/v1/discovery/kubernetes/status", (c) => c.json({ clusters: view.status() }));

  app.get("/v1/explain", async (c) => {
    const { method = "GET", url, client } = c.req.query();
    if (url === undefined || url === "") {
      return refusal(
        "bad_request",
        "Say which request: ?method=GET&url=http://host/path, and header=name: value for each header",
      );
    }
    try {
      return c.json(await view.explain({ method, url, client, headers: c.req.queries("header") ?? [] }));
    } catch (error) {
      if (error instanceof ExplainQueryError) return refusal("bad_request", error.message);
      throw error;
    }
  });

  app.get("/v1/config", (c) => c.json(inForce()));

  app.get("/v1/version", async (c) => {
    const { version, runtime, usage } = await processMetrics();
    return c.json({ version, runtime, since: new Date(usage.started * 1000).toISOString() });
  });

  app.get("/v1/routes", (c) => c.json({ routes: view.routes(), streams: view.streams() }));

  if (console !== undefined) app.route("/", console);

  app.notFound((c) => refusal("no_route", `The admin API has no ${c.req.path}`));
  app.onError((error) => {
    view.report(error);
    return refusal("internal", "The admin API failed; its log says why");
  });
  return app;
}

/** A switch in a query: there and neither `0` nor `false`. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== "0" && value !== "false";
}
