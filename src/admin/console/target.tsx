/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";
import type { ShownRoute } from "./model.ts";
import { type ConsoleState, href } from "./state.ts";
import { count, counted } from "./words.ts";

/** Where a route or a stream sends what comes to it; each service leads to itself in the list below. */
export function RouteTarget(props: {
  of: Pick<ShownRoute, "service" | "services" | "nodes" | "redirect">;
  state: ConsoleState;
  /** Its addresses that are out of turn. */
  ejected: number;
  unhealthy: number;
  /** Those that wait, since others come first by priority or zone. */
  standby?: number;
}): Child {
  const { of, state, ejected, unhealthy, standby = 0 } = props;
  const { service, services, nodes, redirect } = of;
  const out = [
    ejected === 0 ? "" : `${count(ejected)} ejected`,
    unhealthy === 0 ? "" : `${count(unhealthy)} unhealthy`,
    standby === 0 ? "" : `${count(standby)} waiting`,
  ].filter(Boolean);
  const told = out.length === 0 ? "" : <span class="told">{out.join(", ")}</span>;
  if (redirect !== undefined) return <span class="soft">redirect {redirect.status}</span>;
  if (nodes !== undefined) {
    return (
      <>
        <span class="soft">{counted(nodes.length, "static node")}</span>
        {told}
      </>
    );
  }
  const all = services ?? (service === undefined ? [] : [{ service, weight: 1, priority: 0 }]);
  return (
    <>
      <ul class="plain">
        {all.map((one) => (
          <li>
            <a class="mono" href={href(state, { q: one.service.split(":")[0]!, page: 1 }, "services")} data-live="">
              {one.service}
            </a>
            {all.length > 1 ? <span class="soft"> ×{one.weight}</span> : ""}
            {one.priority === 0 ? "" : <span class="soft"> priority {one.priority}</span>}
          </li>
        ))}
      </ul>
      {told}
    </>
  );
}
