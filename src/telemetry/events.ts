import type { DiscoveryEvent } from "../discovery/store/journal.ts";

/** One thing that happened in a gateway, for people who look at it later. `at`: milliseconds since the epoch. */
export type GatewayEvent =
  | DiscoveryEvent
  /** A changed config came into force. */
  | { readonly at: number; readonly kind: "config"; readonly routes: number; readonly clusters: number }
  /** A changed config was refused: the one before stays in force. */
  | { readonly at: number; readonly kind: "refused"; readonly errors: readonly string[] }
  /** An address failed and gets no requests for a while. */
  | { readonly at: number; readonly kind: "ejected"; readonly address: string; readonly until: number };

/** The newest first, of several lists that are in that order already; at most `limit`. */
export function newestEvents(lists: readonly (readonly GatewayEvent[])[], limit: number): GatewayEvent[] {
  return lists
    .flat()
    .sort((a, b) => b.at - a.at)
    .slice(0, limit);
}
