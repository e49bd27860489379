import type { Change, ClientState } from "../../kubernetes/types.ts";
import type { ServiceRecord } from "../records/services.ts";
import type { SliceRecord } from "../records/slice-record.ts";
import type { ClusterCounters, ClusterStatus } from "../views.ts";

/**
 * What one side that follows a cluster tells others that do not: plain data, in the order in which it happened. A follower that was told everything once and every change since knows what its teller knows.
 */

/** A change of what a cluster's snapshot holds. */
export type ScopedChange =
  | { readonly of: "slices"; readonly scope: string; readonly change: Change<SliceRecord> }
  | { readonly of: "services"; readonly scope: string; readonly change: Change<ServiceRecord> };

/** How far one namespace's (or all namespaces') part of a cluster may be believed. See `Scope`. */
export interface ScopeFacts {
  readonly synced: boolean;
  readonly listed: boolean;
  readonly hopeful: boolean;
  readonly state: ClientState;
  readonly lastError: string | undefined;
  /** When the snapshot was last known to be what the apiserver has, milliseconds since the epoch. */
  readonly known: number;
}

/** How far a cluster may be believed. */
export interface ClusterFacts {
  readonly synced: boolean;
  readonly listed: boolean;
  /** In the order of the cluster's plan; none in mode `request`. */
  readonly scopes: readonly ScopeFacts[];
  readonly status: ClusterStatus;
  readonly counters: ClusterCounters;
}

/** What a follower is told at once; nobody sees a half of it. */
export interface ClusterNews {
  /** Replaces everything the follower holds: one `replace` for each scope. */
  readonly whole?: readonly ScopedChange[];
  /** What changed, in order, after `whole`. */
  readonly changes?: readonly ScopedChange[];
  readonly facts?: ClusterFacts;
}

/**
 * News as text, of changes that are texts already: they are written once, for however many are told. A text goes from one
 * thread to another as it is, where cloning the objects costs Bun some 80 us for each EndpointSlice.
 */
export function newsText(news: {
  readonly whole: string | undefined;
  readonly changes: readonly string[];
  readonly facts: ClusterFacts | undefined;
}): string {
  const parts: string[] = [];
  if (news.whole !== undefined) parts.push(`"whole":${news.whole}`);
  if (news.changes.length > 0) parts.push(`"changes":[${news.changes.join(",")}]`);
  if (news.facts !== undefined) parts.push(`"facts":${JSON.stringify(news.facts)}`);
  return `{${parts.join(",")}}`;
}

/** The news of a text: what is undefined is left out of it. */
export const readNews = (text: string): ClusterNews => JSON.parse(text) as ClusterNews;

/** A cluster's own side of it. */
export interface ClusterTap {
  /** One `replace` for each scope that holds something. */
  whole(): ScopedChange[];
  facts(): ClusterFacts;
  /** Calls back at each change, at once, and when the facts may be others; returns the function that ends it. */
  listen(listener: TapListener): () => void;
}

/** Who listens to a tap. */
export interface TapListener {
  change(change: ScopedChange): void;
  facts(): void;
}
