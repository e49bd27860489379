import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Cluster } from "../discovery/cluster.ts";
import type { Upstream } from "../discovery/types.ts";
import type { Plan } from "./plan.ts";

/** Looks whether the services and ports that a config names exist, whenever another config may have named others. */
export interface ReferenceCheck {
  /**
   * This plan came into force: what it names and a cluster does not have is logged, once that cluster has its first
   * list.
   */
  check(plan: Pick<Plan, "routes" | "streams">, clusters: readonly Cluster[]): void;
  stop(): void;
}

/** Looks at so many before other work goes on. */
const AT_A_TIME = 100;
/** Lines of one check; a config may name thousands. */
const LINES = 20;

/** A service that a route or a stream names. */
interface Named {
  readonly what: { readonly route: string } | { readonly stream: string };
  readonly upstream: Upstream;
  readonly key: string;
}

function* namesOf({ routes, streams }: Pick<Plan, "routes" | "streams">): Iterable<Named> {
  const named = (what: Named["what"], { upstream }: { upstream: Upstream }): Named => ({
    what,
    upstream,
    key: JSON.stringify([what, upstream.name]),
  });
  for (const route of routes.routes) {
    if (route.kind !== "proxy") continue;
    for (const choice of route.choices) if (choice.query !== undefined) yield named({ route: route.rule.id }, choice);
  }
  for (const [stream, { of }] of streams?.byId ?? []) {
    for (const choice of of) if (choice.query !== undefined) yield named({ stream }, choice);
  }
}

/** Makes it. What was wrong in the same way before is not said again. */
export function createReferenceCheck({ clock, logger }: { clock: Clock; logger: Logger }): ReferenceCheck {
  /** What is wrong, by what names it. */
  const wrong = new Map<string, string>();
  let turn = new AbortController();

  async function look(named: readonly Named[], lines: { left: number }, signal: AbortSignal): Promise<void> {
    for (const [index, { what, upstream, key }] of named.entries()) {
      if (index % AT_A_TIME === AT_A_TIME - 1) await clock.sleep(0, signal);
      const { code, detail } = upstream.reason() ?? {};
      if (code !== "service_unknown" && code !== "port_unknown") {
        wrong.delete(key);
        continue;
      }
      if (wrong.get(key) === code) continue;
      wrong.set(key, code);
      if (lines.left-- <= 0) continue;
      const message = "What the config names is not there: it is refused until it is";
      logger.log("warn", message, { ...what, service: upstream.name, code, reason: detail });
    }
    if (lines.left < 0) logger.log("warn", "More of what the config names is not there", { more: -lines.left });
  }

  return {
    check(plan, clusters) {
      turn.abort();
      turn = new AbortController();
      const { signal } = turn;
      const named = [...namesOf(plan)];
      const keys = new Set(named.map(({ key }) => key));
      for (const key of wrong.keys()) if (!keys.has(key)) wrong.delete(key);
      const byCluster = Map.groupBy(named, ({ upstream }) => upstream.cluster);
      for (const cluster of clusters) {
        const of = byCluster.get(cluster.id);
        // Where the apiserver is asked with each request nothing is known before.
        if (of === undefined || cluster.config.mode === "request") continue;
        const work = cluster.whenListed(signal).then(() => look(of, { left: LINES }, signal));
        // Another config came before it was done.
        work.catch(() => {});
      }
    },
    stop: () => turn.abort(),
  };
}
