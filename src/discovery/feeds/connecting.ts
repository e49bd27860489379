import type { Logger } from "../../base/log.ts";
import { createBackoff } from "../../kubernetes/backoff.ts";
import type { ApiserverConnection } from "../../kubernetes/connection.ts";
import { shorten } from "../../kubernetes/errors.ts";
import type { ClientState } from "../../kubernetes/types.ts";
import type { ClusterStore } from "../store/cluster-store.ts";

/** What became of the attempts to make a connection. */
export interface Connecting {
  readonly state: ClientState;
  readonly lastError: string | undefined;
}

/** Calls back when one of these files may have changed; returns what stops it. */
export type WatchFiles = (paths: readonly string[], onChange: () => void) => () => void;

const wordsOf = (error: unknown): string => shorten(error instanceof Error ? error.message : String(error));

/**
 * Opens a connection, again and again until it can be: a file that cannot be read now may be there in a moment, since
 * kubelet mounts and rotates while pods start. Rejects only with the signal's reason.
 */
export async function keepConnecting(
  store: ClusterStore,
  connect: () => Promise<ApiserverConnection>,
  signal: AbortSignal,
): Promise<ApiserverConnection> {
  const { clock, random, logger } = store;
  const backoff = createBackoff(random);
  let logged: string | undefined;
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      signal.throwIfAborted();
      const lastError = `cannot connect: ${wordsOf(error)}`;
      if (logged !== lastError) logger.log("warn", `kubernetes: ${lastError}`);
      logged = lastError;
      store.connecting = { state: "unreachable", lastError };
      store.statusChanged();
      await clock.sleep(backoff.next(), signal);
    }
  }
}

/** Has the connection read its files again when one of them changes, until the signal aborts. */
export function refreshOnChange(
  connection: ApiserverConnection,
  watchFiles: WatchFiles | undefined,
  logger: Logger,
  signal: AbortSignal,
): void {
  if (watchFiles === undefined || connection.files.length === 0) return;
  const stop = watchFiles(connection.files, () => {
    connection.refresh().catch((error: unknown) => {
      logger.log("warn", `kubernetes: the connection's files changed and cannot be used: ${wordsOf(error)}`);
    });
  });
  signal.addEventListener("abort", stop, { once: true });
}
