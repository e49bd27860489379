import { Hono } from "hono";
import { accepts } from "hono/accepts";
import { bearerAuth } from "hono/bearer-auth";
import { HTTPException } from "hono/http-exception";
import type { Clock } from "../clock.ts";
import type { ProcessMetrics } from "../observe/process-metrics.ts";
import { problem } from "../proxy/problem.ts";
import { allFamilies, expose, FORMATS } from "./metrics/exposition.ts";
import type { AdminView } from "./view.ts";

/** Probes come from a kubelet, which has no token. */
const OPEN_PATHS = ["/healthz", "/readyz"];

const OPEN_METRICS = "application/openmetrics-text";

/** What the admin API is made with, beside the gateway. */
export interface AdminOptions {
  /**
   * Guards everything but the two probes; undefined only where the listener is on loopback, which the config's check sees
   * to.
   */
  readonly token: string | undefined;
  processMetrics(): Promise<ProcessMetrics>;
  readonly clock: Clock;
}

/** The admin API (read only: no request changes anything). */
export function createAdminApp(view: AdminView, { token, processMetrics, clock }: AdminOptions): Hono {
  const app = new Hono();

  app.get("/healthz", (c) => c.text("ok\n"));

  app.get("/readyz", (c) => {
    const readiness = view.readiness();
    const body = { ready: readiness.ready, draining: readiness.draining, waiting: readiness.waiting };
    return c.json(body, readiness.ready && !readiness.draining ? 200 : 503);
  });

  if (token !== undefined) {
    const guard = bearerAuth({ token });
    app.use("*", (c, next) => (OPEN_PATHS.includes(c.req.path) ? next() : guard(c, next)));
  }

  app.get("/metrics", async (c) => {
    const supports = ["text/plain", OPEN_METRICS];
    const wanted = accepts(c, { header: "Accept", supports, default: "text/plain" });
    const format = wanted === OPEN_METRICS ? FORMATS.openMetrics : FORMATS.text;
    const families = allFamilies(await view.metrics(), await processMetrics());
    return c.body(await expose(families, format, () => clock.sleep(0)), 200, {
      "content-type": format,
      "cache-control": "no-store",
    });
  });

  app.get("/v1/discovery/kubernetes/dump", (c) => c.json(view.dump()));

  app.get("/v1/discovery/kubernetes/nodes", async (c) => {
    const service = c.req.query("service");
    if (service === undefined || service === "") {
      return problem("bad_request", "Say which service: ?service=namespace/name:port");
    }
    return c.json(await view.nodes(service, { verbose: isOn(c.req.query("verbose")) }));
  });

  app.get("/v1/discovery/kubernetes/status", (c) => c.json({ clusters: view.status() }));

  app.get("/v1/routes", (c) => c.json({ routes: view.routes() }));

  app.notFound((c) => problem("no_route", `The admin API has no ${c.req.path}`));
  app.onError((error) => {
    if (error instanceof HTTPException) return error.getResponse(); // What the guard answers.
    view.report(error);
    return problem("internal", "The admin API failed; its log says why");
  });
  return app;
}

/** A switch in a query: there and neither `0` nor `false`. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== "0" && value !== "false";
}
