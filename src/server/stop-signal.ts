import type { Host } from "../platform/host.ts";

/** The signals of the process, from the moment this is made until the process is gone. */
export interface StopSignal {
  /** Resolves at the first SIGTERM or SIGINT. */
  readonly stop: Promise<void>;
  /** Calls `handler` at each SIGHUP; returns the function that ends it. */
  onHangup(handler: () => void): () => void;
}

/** Listens to the signals, to the very end: one that comes while the process ends must not make its exit code 143. */
export function stopSignal(host: Host): StopSignal {
  const hangups = new Set<() => void>();
  let stopped: () => void;
  const stop = new Promise<void>((resolve) => {
    stopped = resolve;
  });
  host.onSignal((signal) => {
    if (signal !== "SIGHUP") return stopped();
    for (const handler of hangups) handler();
  });
  return {
    stop,
    onHangup(handler) {
      hangups.add(handler);
      return () => hangups.delete(handler);
    },
  };
}
