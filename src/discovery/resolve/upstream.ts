import type { Cluster } from "../cluster.ts";
import { NO_ENDPOINTS, sameEndpoints } from "../store/service-views.ts";
import type { ServiceEntry } from "../store/snapshot.ts";
import type { EmptyReason, Endpoint, ServiceReference, Upstream } from "../types.ts";
import { whyAbsent, whyEmpty } from "./reasons.ts";
import type { WantedPort } from "./select.ts";

/** `[id/]namespace/name[:port]`. */
export function referenceText({ cluster, namespace, name, port }: ServiceReference): string {
  return `${cluster === undefined ? "" : `${cluster}/`}${namespace}/${name}${port === undefined ? "" : `:${port}`}`;
}

/** An upstream that can never have nodes: its reference is wrong, or there is no such cluster. */
export function emptyUpstream(name: string, cluster: string, reason: EmptyReason): Upstream {
  return { name, cluster, endpoints: () => NO_ENDPOINTS, refresh: () => undefined, reason: () => reason };
}

/** Why an existing service is empty, kept until the service changes: it is asked for with every request refused. */
interface KnownReason {
  readonly entry: ServiceEntry;
  readonly version: number;
  readonly reason: EmptyReason;
}

/** One service port of one cluster, as a route sees it. */
export function createUpstream(cluster: Cluster, reference: ServiceReference, wanted: WantedPort): Upstream {
  const { reader, views, clock } = cluster;
  const key = `${reference.namespace}/${reference.name}`;
  const guard = cluster.guard(reference.namespace, reference.name);
  const checksAge = cluster.config.max_stale > 0;
  let entry: ServiceEntry | undefined;
  let version = -1;
  /** While `empty_grace` runs: when it ends. 0: it does not run. */
  let graceUntil = 0;
  let current: readonly Endpoint[] = NO_ENDPOINTS;
  let known: KnownReason | undefined;

  const read = (now: ServiceEntry | undefined): readonly Endpoint[] => {
    entry = now;
    version = now?.version ?? -1;
    const grace = now?.last !== undefined && clock.now() < now.last.until;
    graceUntil = grace ? now!.last!.until : 0;
    const next = now === undefined ? NO_ENDPOINTS : views.endpoints(now, wanted, grace);
    if (!sameEndpoints(current, next)) current = next;
    return current;
  };

  const endpoints = (): readonly Endpoint[] => {
    const now = reader.get(key);
    if (checksAge && !guard.fresh()) return NO_ENDPOINTS;
    if (
      now === entry &&
      (now === undefined || now.version === version) &&
      (graceUntil === 0 || clock.now() < graceUntil)
    ) {
      return current;
    }
    return read(now);
  };

  return {
    name: referenceText(reference),
    cluster: cluster.id,
    endpoints,
    refresh: guard.refresh,
    reason() {
      if (endpoints().length > 0) return undefined;
      const now = reader.get(key);
      if (now === undefined || guard.unavailable() !== undefined) return whyAbsent(cluster, reference);
      if (known?.entry !== now || known.version !== now.version) {
        known = { entry: now, version: now.version, reason: whyEmpty(cluster, now, wanted) };
      }
      return known.reason;
    },
  };
}
