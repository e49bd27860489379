import { Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { HTTPException } from "hono/http-exception";
import { problem } from "../proxy/problem.ts";
import type { AdminView } from "./view.ts";

/** Probes come from a kubelet, which has no token. */
const OPEN_PATHS = ["/healthz", "/readyz"];

/**
 * The admin API (read only: no request changes anything). `token` guards everything but the two probes; it is left out
 * only where the listener is on loopback, which the config's check sees to.
 */
export function createAdminApp(view: AdminView, token: string | undefined): Hono {
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
