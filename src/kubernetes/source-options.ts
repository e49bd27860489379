import type { Clock, Random } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { ApiClient } from "./api-client.ts";
import type { Pauses } from "./backoff.ts";
import type { Change, Collection, Decoder } from "./types.ts";

export interface SourceOptions<T> {
  readonly api: ApiClient;
  /** The same objects in the forms a server may offer them, the preferred one first: a 404 leads to the next. */
  readonly collections: readonly Collection[];
  readonly decode: Decoder<T>;
  /** Receives every change, in order: a `replace` per full list (a poller: that differs), then `put` and `remove`. */
  readonly apply: (change: Change<T>) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Pauses after failures. */
  readonly pauses?: Pauses | undefined;
  /** The state, the error or the list count changed; not called per event. */
  readonly onStatus?: (() => void) | undefined;
}
