import type { ListenAddress } from "../config/schema.ts";
import { MAX_MILLISECONDS } from "../config/values.ts";
import { openServer, type ServerExtras } from "./bun-listen.ts";
import type { Handler, Listener, ServerCertificate, ServerTls, TlsListener } from "./host.ts";

/**
 * How long the listener with the certificates before still answers, each answer being its connection's last: clients that
 * are at work go over by themselves, and only connections that were idle all the while are closed.
 */
const HANDOVER_MS = 2000;

/** In Bun's words: the first certificate answers clients that name no known host; each other one, those of its names. */
function bunTls(certificates: readonly ServerCertificate[]): Bun.TLSOptions[] {
  const [first, ...more] = certificates;
  const taken = new Set<string>();
  const named = [first!, ...more].flatMap(({ cert, key, names }) =>
    names.flatMap((serverName) => {
      if (taken.has(serverName)) return [];
      taken.add(serverName);
      return [{ cert, key, serverName }];
    }),
  );
  return [{ cert: first!.cert, key: first!.key }, ...named];
}

interface Generation {
  readonly listener: Listener;
  /** Its certificates are no longer the ones in force. */
  retired: boolean;
}

/** The last answer of its connection (RFC 9112 section 9.6). HTTP/2 has no such field, and Bun leaves it out there. */
function last(response: Response): Response {
  // A WebSocket that was accepted has no answer.
  response?.headers.set("connection", "close");
  return response;
}

const endless = (): ReadableStream => new ReadableStream({ pull: () => new Promise(() => {}) });

/**
 * An answer to HEAD that tells no length says so by its `Transfer-Encoding`, which HTTP/2 does not have; Bun would then
 * tell a length of 0. It tells none where there is a body to come, which it never asks for.
 */
function withoutLength(response: Response): Response {
  if (response?.headers.get("transfer-encoding") !== "chunked" || response.status === 304) return response;
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  headers.delete("transfer-encoding");
  return new Response(endless(), { status, statusText, headers });
}

/**
 * Listens with TLS. `Bun.serve` cannot change its certificates, so new ones mean a new listener on the same port, and the
 * one before is stopped after a while: what is under way on it, streams and WebSockets too, goes on to its end.
 */
export function listenTls(address: ListenAddress, handler: Handler, tls: ServerTls): TlsListener {
  const living = new Set<Generation>();

  function open(at: ListenAddress, certificates: readonly ServerCertificate[]): Generation {
    const extras: ServerExtras = { tls: bunTls(certificates), http2: tls.http2, http3: tls.http3, reusePort: true };
    const serve: Handler = (request, peer, upgrade) => {
      let answer = handler(request, peer, upgrade);
      if (generation.retired) answer = answer instanceof Promise ? answer.then(last) : last(answer);
      if (request.method !== "HEAD") return answer;
      return answer instanceof Promise ? answer.then(withoutLength) : withoutLength(answer);
    };
    const generation: Generation = { listener: openServer(at, serve, extras), retired: false };
    living.add(generation);
    return generation;
  }

  async function retire(generation: Generation): Promise<void> {
    generation.retired = true;
    await new Promise((resolve) => setTimeout(resolve, HANDOVER_MS));
    await generation.listener.stop(MAX_MILLISECONDS);
    living.delete(generation);
  }

  let current = open(address, tls.certificates);

  return {
    port: current.listener.port,
    renew(certificates) {
      const before = current;
      current = open({ host: address.host, port: before.listener.port }, certificates);
      void retire(before);
    },
    async stop(timeout, farewell) {
      await Promise.all([...living].map(({ listener }) => listener.stop(timeout, farewell)));
    },
  };
}
