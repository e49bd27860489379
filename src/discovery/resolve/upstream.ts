import type { Cluster } from "../cluster.ts";
import { NO_ENDPOINTS, sameEndpoints } from "../store/service-views.ts";
import type { ServiceEntry } from "../store/snapshot.ts";
import type { EmptyReason, Endpoint, ServiceReference, Upstream } from "../types.ts";
import type { FreshnessGuard } from "./freshness.ts";
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
export const createUpstream = (cluster: Cluster, reference: ServiceReference, wanted: WantedPort): Upstream =>
  new ServiceUpstream(cluster, reference, wanted);

class ServiceUpstream implements Upstream {
  readonly name: string;
  readonly cluster: string;
  readonly #cluster: Cluster;
  readonly #reference: ServiceReference;
  readonly #wanted: WantedPort;
  readonly #key: string;
  readonly #guard: FreshnessGuard;
  readonly #checksAge: boolean;
  /** The snapshot's membership at the last look: while that stays, the entry is the same one. */
  #membership = -1;
  #entry: ServiceEntry | undefined;
  #version = -1;
  /** While `empty_grace` runs: when it ends. 0: it does not run. */
  #graceUntil = 0;
  #current: readonly Endpoint[] = NO_ENDPOINTS;
  #known: KnownReason | undefined;

  constructor(cluster: Cluster, reference: ServiceReference, wanted: WantedPort) {
    this.name = referenceText(reference);
    this.cluster = cluster.id;
    this.#cluster = cluster;
    this.#reference = reference;
    this.#wanted = wanted;
    this.#key = `${reference.namespace}/${reference.name}`;
    this.#guard = cluster.guard(reference.namespace, reference.name);
    this.#checksAge = cluster.config.max_stale > 0;
  }

  endpoints(): readonly Endpoint[] {
    const now = this.#look();
    if (this.#checksAge && !this.#guard.fresh()) return NO_ENDPOINTS;
    if (
      now === this.#entry &&
      (now === undefined || now.version === this.#version) &&
      (this.#graceUntil === 0 || this.#cluster.clock.now() < this.#graceUntil)
    ) {
      return this.#current;
    }
    return this.#read(now);
  }

  refresh(): Promise<void> | undefined {
    return this.#guard.refresh();
  }

  reason(): EmptyReason | undefined {
    if (this.endpoints().length > 0) return undefined;
    const now = this.#look();
    if (now === undefined || this.#guard.unavailable() !== undefined) return whyAbsent(this.#cluster, this.#reference);
    if (this.#known?.entry !== now || this.#known.version !== now.version) {
      this.#known = { entry: now, version: now.version, reason: whyEmpty(this.#cluster, now, this.#wanted) };
    }
    return this.#known.reason;
  }

  /** The service's entry. A search for it by its name reaches into memory that no other request keeps near. */
  #look(): ServiceEntry | undefined {
    const { reader } = this.#cluster;
    const membership = reader.membership();
    if (membership === this.#membership) return this.#entry;
    const now = reader.get(this.#key);
    if (now === this.#entry) this.#membership = membership;
    return now;
  }

  #read(now: ServiceEntry | undefined): readonly Endpoint[] {
    const { clock, views } = this.#cluster;
    this.#entry = now;
    this.#version = now?.version ?? -1;
    const grace = now?.last !== undefined && clock.now() < now.last.until;
    this.#graceUntil = grace ? now!.last!.until : 0;
    const next = now === undefined ? NO_ENDPOINTS : views.endpoints(now, this.#wanted, grace);
    if (!sameEndpoints(this.#current, next)) this.#current = next;
    return this.#current;
  }
}
