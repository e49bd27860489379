import type { SocketAddress } from "../../base/addresses.ts";
import type { Handler, ServerTls, TlsListener } from "../listen.ts";
import { listenRenewing } from "../renewing.ts";
import type { ServerCertificate } from "../tls.ts";
import { openServer } from "./listen.ts";

/**
 * In Bun's words: the first certificate answers clients that name no known host; each other one, those of its names.
 */
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

/** Listens with TLS. `Bun.serve` cannot change its certificates: see `listenRenewing`. */
export function listenTls(address: SocketAddress, handler: Handler, tls: ServerTls): TlsListener {
  return listenRenewing(address, handler, tls.certificates, (at, serve, certificates) => {
    const whole: Handler = (request, peer, upgrade) => {
      const answer = serve(request, peer, upgrade);
      if (request.method !== "HEAD") return answer;
      return answer instanceof Promise ? answer.then(withoutLength) : withoutLength(answer);
    };
    const { http2, http3 } = tls;
    return openServer(at, whole, { tls: bunTls(certificates), http2, http3, reusePort: true });
  });
}
