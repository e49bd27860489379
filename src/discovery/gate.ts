/** Whether what is known of one service may be believed now, and what to wait for if not. */
export interface Gate {
  /** See `Upstream.refresh`. Costs nothing while all is well. */
  refresh(): Promise<void> | undefined;
  /** False: the snapshot is older than `max_stale` allows, and nodes must not be taken from it. */
  fresh(): boolean;
  /** Why an absent service may exist all the same; undefined: what the snapshot says holds. */
  distrust(): Distrust | undefined;
}

/** Why the snapshot does not tell. */
export interface Distrust {
  /** `left_out`: the configuration does not want this namespace. `not_synced`: the apiserver has not told yet. */
  readonly why: "left_out" | "not_synced";
  readonly detail: string;
}
