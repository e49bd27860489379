import type { Backends } from "../balancing/backends.ts";
import type { StreamConfig } from "../config/schema.ts";
import type { StreamCounts } from "../observe/stream-counters.ts";
import type { Choice } from "../pool-set.ts";
import type { Dial } from "./types.ts";

/** A stream as its connections need it: compiled once per config. */
export interface Stream {
  readonly rule: StreamConfig;
  /** Which of its services gets a connection, and where it is tried again. */
  readonly backends: Backends<Choice<StreamCounts>>;
  readonly of: readonly Choice<StreamCounts>[];
  /** Connects to its addresses, with its `upstream_tls`. */
  readonly dial: Dial;
  readonly counts: StreamCounts;
}
