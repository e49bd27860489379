import type { SocketAddress } from "../base/addresses.ts";
import { MAX_MILLISECONDS } from "../base/clock.ts";
import type { Handler, Listener, TlsListener } from "./listen.ts";
import type { ServerCertificate } from "./tls.ts";

/**
 * How long the listener with the certificates before still answers, each answer being its connection's last: clients
 * that are at work go over by themselves, and only connections that were idle all the while are closed.
 */
const HANDOVER_MS = 2000;

/**
 * The last answer of its connection (RFC 9112 section 9.6). HTTP/2 has no such field, and the runtimes leave it out
 * there.
 */
function last(response: Response): Response {
  // A WebSocket that was accepted has no answer.
  response?.headers.set("connection", "close");
  return response;
}

interface Generation {
  readonly listener: Listener;
  /** Its certificates are no longer the ones in force. */
  retired: boolean;
}

/** What a runtime's server with fixed certificates is opened with. Throws `ListenError`. */
export type OpenTls = (
  address: SocketAddress,
  handler: Handler,
  certificates: readonly ServerCertificate[],
) => Listener;

/**
 * Listens with certificates that can be renewed, on a server that cannot change its own: new ones mean a new listener
 * on the same port, and the one before is stopped after a while. What is under way on it, streams and WebSockets too,
 * goes on to its end.
 */
export function listenRenewing(
  address: SocketAddress,
  handler: Handler,
  certificates: readonly ServerCertificate[],
  openTls: OpenTls,
): TlsListener {
  const living = new Set<Generation>();

  function open(at: SocketAddress, using: readonly ServerCertificate[]): Generation {
    const serve: Handler = (request, peer, upgrade) => {
      const answer = handler(request, peer, upgrade);
      if (!generation.retired) return answer;
      return answer instanceof Promise ? answer.then(last) : last(answer);
    };
    const generation: Generation = { listener: openTls(at, serve, using), retired: false };
    living.add(generation);
    return generation;
  }

  async function retire(generation: Generation): Promise<void> {
    generation.retired = true;
    await new Promise((resolve) => setTimeout(resolve, HANDOVER_MS));
    await generation.listener.stop(MAX_MILLISECONDS);
    living.delete(generation);
  }

  let current = open(address, certificates);

  return {
    port: current.listener.port,
    renew(renewed) {
      const before = current;
      current = open({ host: address.host, port: before.listener.port }, renewed);
      void retire(before);
    },
    async stop(timeout, farewell) {
      await Promise.all([...living].map(({ listener }) => listener.stop(timeout, farewell)));
    },
  };
}
