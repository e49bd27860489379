import type { SliceRecord } from "../records/slice-record.ts";
import { assess, choosePort, chosen, type SelectionOptions, toEndpoint, type WantedPort } from "../resolve/select.ts";
import type { Endpoint } from "../types.ts";
import type { ServiceEntry } from "./snapshot.ts";

/** No endpoints: one array for all readers. */
export const NO_ENDPOINTS: readonly Endpoint[] = Object.freeze([]);

/** What routes read of services, worked out when the first of them asks and shared by all that want the same port. */
export interface ServiceViews {
  /**
   * The endpoints of one port now, sorted and frozen. The same array as before while their contents are the same.
   * `grace`: take what the service had before it became empty.
   */
  endpoints(entry: ServiceEntry, wanted: WantedPort, grace: boolean): readonly Endpoint[];
}

interface View {
  version: number;
  grace: boolean;
  endpoints: readonly Endpoint[];
}

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return (
    a.address === b.address &&
    a.weight === b.weight &&
    a.uid === b.uid &&
    a.pod === b.pod &&
    a.zone === b.zone &&
    a.terminating === b.terminating &&
    a.preferred === b.preferred
  );
}

/** True when no reader could tell the two lists apart. */
export function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return a === b || (a.length === b.length && a.every((endpoint, i) => sameEndpoint(endpoint, b[i]!)));
}

/** Views are forgotten together with their service. */
export function createServiceViews(options: SelectionOptions): ServiceViews {
  const byService = new WeakMap<ServiceEntry, Map<string, View>>();

  const compute = (slices: readonly SliceRecord[], entry: ServiceEntry, wanted: WantedPort): readonly Endpoint[] => {
    const rule = choosePort(slices, entry.service, wanted)?.takes;
    if (rule === undefined) return NO_ENDPOINTS;
    const endpoints = chosen(assess(slices, rule, options)).map(toEndpoint);
    return endpoints.length === 0 ? NO_ENDPOINTS : Object.freeze(endpoints);
  };

  return {
    endpoints(entry, wanted, grace) {
      let views = byService.get(entry);
      if (views === undefined) {
        views = new Map();
        byService.set(entry, views);
      }
      const key = wanted.by === "first" ? "" : `${wanted.by}:${wanted.text}`;
      const known = views.get(key);
      if (known !== undefined && known.version === entry.version && known.grace === grace) return known.endpoints;
      const slices = grace && entry.last !== undefined ? entry.last.slices : entry.slices;
      const now = compute(slices, entry, wanted);
      const endpoints = known !== undefined && sameEndpoints(known.endpoints, now) ? known.endpoints : now;
      views.set(key, { version: entry.version, grace, endpoints });
      return endpoints;
    },
  };
}
