import type { SocketAddress } from "../base/addresses.ts";
import type { Host } from "../platform/host.ts";
import { ListenError, takenError } from "../platform/listen.ts";

/** Where the addresses of a gateway were chosen: what a message about one that cannot be had tells to change. */
export interface ChosenBy {
  readonly listen: string;
  readonly admin: string;
}

/**
 * How ports are opened. Those for traffic can be had by several gateways of one user at a time, so that one can follow
 * another without a gap: only where that was asked for.
 */
export interface PortRules {
  readonly chosenBy: ChosenBy;
  /** Traffic ports may be another gateway's, which is about to end. */
  readonly takeover: boolean;
}

/** Throws `ListenError` where another program listens on an address of ours and may not. */
export function assertFree(host: Pick<Host, "isTaken">, address: SocketAddress, { takeover }: PortRules): void {
  if (!takeover && host.isTaken(address)) throw takenError(address);
}

/** Opens a port; `key` is what chooses it. The `ListenError` of a port that is taken names it. */
export async function openPort<T>(key: string, open: () => T | Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof ListenError) || !error.taken) throw error;
    throw new ListenError(`${error.message}; ${key} chooses another port`, { cause: error, taken: true });
  }
}
