import type { Backends } from "../balancing/backends.ts";
import type { WeightedBackend } from "../balancing/weighted-backend.ts";
import type { Dial } from "../platform/sockets.ts";
import type { StreamCounts } from "../telemetry/stream-counters.ts";
import type { StreamRule } from "./options.ts";

/** A stream as its connections need it: compiled once per config. */
export interface Stream {
  readonly rule: StreamRule;
  /** Which of its services gets a connection, and where it is tried again. */
  readonly backends: Backends<WeightedBackend<StreamCounts>>;
  readonly of: readonly WeightedBackend<StreamCounts>[];
  /** Connects to its addresses, with its `upstream_tls`. */
  readonly dial: Dial;
  readonly counts: StreamCounts;
}
