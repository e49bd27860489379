import type { UpstreamTemplate } from "./templates.ts";

/** A route in Ocelot's order, and what our precedence would make of it. */
export interface OcelotPlacement {
  readonly host: string | undefined;
  readonly methods: readonly string[] | undefined;
  readonly headers: number;
  readonly upstream: UpstreamTemplate;
  /** Ocelot's own; 1 where none is written. */
  readonly priority: number;
}

const compare = (a: readonly number[], b: readonly number[]): number => {
  const at = a.findIndex((rank, i) => rank !== b[i]);
  return at === -1 ? 0 : a[at]! - b[at]!;
};

/** Ocelot: a route with a host before one without, then `Priority`, then the order of the file. */
const theirs = ({ host, priority, upstream }: OcelotPlacement): readonly number[] => [
  host === undefined ? 0 : 1,
  upstream.catchAll ? 0 : priority,
];

const ours = ({ host, methods, headers, upstream }: OcelotPlacement): readonly number[] => [
  host === undefined ? 0 : 1,
  upstream.rank,
  methods === undefined ? 0 : 1,
  headers,
  Object.keys(upstream.query).length,
];

/** Whether one request may fit both; rather yes than no. */
function meet(a: OcelotPlacement, b: OcelotPlacement): boolean {
  if (a.host !== undefined && b.host !== undefined && a.host !== b.host) return false;
  if (a.methods !== undefined && b.methods !== undefined && !a.methods.some((method) => b.methods!.includes(method)))
    return false;
  const [one, other] = [a.upstream, b.upstream].map(({ start, exact }) => ({ start: start.toLowerCase(), exact })) as [
    { start: string; exact: boolean },
    { start: string; exact: boolean },
  ];
  if (one.exact && other.exact) return one.start === other.start;
  if (one.exact) return one.start.startsWith(other.start);
  if (other.exact) return other.start.startsWith(one.start);
  return one.start.startsWith(other.start) || other.start.startsWith(one.start);
}

/**
 * The `priority` of each route, 0 for most: only where our precedence would try two routes that may fit one request in
 * another order than Ocelot does.
 */
export function ocelotPriorities(routes: readonly OcelotPlacement[]): number[] {
  const order = routes.map((_, index) => index);
  order.sort((a, b) => compare(theirs(routes[b]!), theirs(routes[a]!)) || a - b);
  const priorities = routes.map(() => 0);
  // Ocelot's last first: what a route must stand before is decided by then.
  for (let at = order.length - 1; at >= 0; at--) {
    const index = order[at]!;
    for (const later of order.slice(at + 1)) {
      if (!meet(routes[index]!, routes[later]!)) continue;
      const first = compare(ours(routes[index]!), ours(routes[later]!)) || later - index;
      priorities[index] = Math.max(priorities[index]!, priorities[later]! + (first > 0 ? 0 : 1));
    }
  }
  return priorities;
}
