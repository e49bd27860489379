import type { ServerConfig } from "../config/schema.ts";
import type { HttpLimits } from "../http/server/http-server.ts";
import { connectionsFor, shareOf } from "../http/server/limits.ts";
import type { Threads } from "../platform/threads.ts";

/** How many threads `server.workers` asks for. */
export const workersOf = ({ workers }: Pick<ServerConfig, "workers">, threads: Threads | undefined): number =>
  threads === undefined ? 1 : workers === "auto" ? threads.processors : workers;

/**
 * The limits of one of a gateway's `threads`: what is limited for all of them together is shared out. `openFiles`: how
 * many the process may have; undefined: not known.
 */
export function httpLimits(
  { limits }: Pick<ServerConfig, "limits">,
  { openFiles, threads }: { readonly openFiles: number | undefined; readonly threads: number },
): HttpLimits {
  const { connections = connectionsFor(openFiles), requests, buffer_bytes } = limits;
  return {
    ...limits,
    connections: shareOf(connections, threads),
    requests: shareOf(requests, threads),
    buffer_bytes: shareOf(buffer_bytes, threads),
  };
}
