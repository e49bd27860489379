/** Which of two routes APISIX tries first, brought into our order with as few priorities as it takes. */

import { usesEnvironment } from "../escaping.ts";

/** What decides where a route stands. */
export interface ApisixPlacement {
  readonly hosts: readonly string[] | undefined;
  readonly path: { readonly rank: number; readonly start: string; readonly exact: boolean };
  /** How specific our own precedence finds the path. */
  readonly ownRank: number;
  readonly methods: readonly string[] | undefined;
  readonly headers: number;
  readonly query: number;
  /** APISIX's `priority`. */
  readonly priority: number;
  /** Among the routes made of one of APISIX's: the lower comes first. */
  readonly turn: number;
  /** Which of APISIX's routes it was made of. */
  readonly from: number;
}

const hostRank = (host: string | undefined): number =>
  host === undefined ? 0 : host.startsWith("*.") ? host.length : 1_000_000;

const hostsMeet = (a: string | undefined, b: string | undefined): boolean => {
  if (a === undefined || b === undefined || a === b || usesEnvironment(a) || usesEnvironment(b)) return true;
  const under = (wild: string, host: string): boolean =>
    wild.startsWith("*.") && host.replace(/^\*/, "").endsWith(wild.slice(1));
  return under(a, b) || under(b, a);
};

const pathsMeet = (a: ApisixPlacement["path"], b: ApisixPlacement["path"]): boolean => {
  if (a.exact && b.exact) return a.start === b.start;
  if (a.exact) return a.start.startsWith(b.start);
  if (b.exact) return b.start.startsWith(a.start);
  return a.start.startsWith(b.start) || b.start.startsWith(a.start);
};

const methodsMeet = (a: ApisixPlacement["methods"], b: ApisixPlacement["methods"]): boolean =>
  a === undefined || b === undefined || a.some((method) => b.includes(method));

/** Positive: `a` is first; 0: neither. */
const compare = (a: readonly number[], b: readonly number[]): number => {
  const at = a.findIndex((rank, i) => rank !== b[i]);
  return at === -1 ? 0 : a[at]! - b[at]!;
};

/** Where an order exists it is found in two rounds, or in some more where routes have several hosts. */
const MAX_ROUNDS = 20;

interface Entry {
  readonly route: number;
  readonly host: string | undefined;
  readonly theirs: readonly number[];
  readonly ours: readonly number[];
}

/**
 * The `priority` of each route, 0 for most: only where our precedence would try two routes that may both match in
 * another order than APISIX does. `byHost`: its router looks at the host before the path (radixtree_host_uri).
 * undefined: a route with several hosts would have to stand before another one under one of them and behind it under
 * the other.
 */
export function apisixPriorities(routes: readonly ApisixPlacement[], byHost: boolean): number[] | undefined {
  const entries = routes.flatMap((placed, route) =>
    (placed.hosts ?? [undefined]).map((host): Entry => {
      const path = [placed.path.rank, placed.priority];
      return {
        route,
        host,
        theirs: byHost ? [hostRank(host), ...path] : path,
        ours: [hostRank(host), placed.ownRank, placed.methods === undefined ? 0 : 1, placed.headers, placed.query],
      };
    }),
  );
  // APISIX's last first: what each must stand before is decided by then.
  const order = entries.toSorted(
    (a, b) => compare(a.theirs, b.theirs) || routes[b.route]!.turn - routes[a.route]!.turn || b.route - a.route,
  );
  const priorities = routes.map(() => 0);
  for (let settled = false, round = 0; !settled; round++) {
    if (round > MAX_ROUNDS) return undefined;
    settled = true;
    for (const [index, entry] of order.entries()) {
      let needed = priorities[entry.route]!;
      for (let i = 0; i < index; i++) {
        const other = order[i]!;
        if (other.route === entry.route || !mustPrecede(entry, other, routes)) continue;
        const first = compare(entry.ours, other.ours) || other.route - entry.route;
        needed = Math.max(needed, priorities[other.route]! + (first > 0 ? 0 : 1));
      }
      if (needed === priorities[entry.route]) continue;
      priorities[entry.route] = needed;
      settled = false;
    }
  }
  return priorities;
}

/** Whether both may match one request, and APISIX tries `a` first. */
function mustPrecede(a: Entry, b: Entry, routes: readonly ApisixPlacement[]): boolean {
  const [one, other] = [routes[a.route]!, routes[b.route]!];
  const rank = compare(a.theirs, b.theirs) || (one.from === other.from ? other.turn - one.turn : 0);
  return (
    rank > 0 && hostsMeet(a.host, b.host) && pathsMeet(one.path, other.path) && methodsMeet(one.methods, other.methods)
  );
}
