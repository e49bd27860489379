import { isLoopback, isWildcard } from "../base/addresses.ts";
import { listenAddressOf } from "./listen-schema.ts";
import { fault, placeAt, type Rules, warn } from "./rules.ts";
import { adminListen, serverListen } from "./server-schema.ts";

/** Everything about `server` and `admin` that concerns more than one key. */
export function checkServer(rules: Rules): void {
  const server = placeAt(rules.document, ["server"]);
  const admin = placeAt(rules.document, ["admin"]);
  const off = placeAt(rules.document, []).value.admin === false;
  const proxyAt = listenAddressOf(serverListen, server.value.listen);
  const adminAt = off ? undefined : listenAddressOf(adminListen, admin.value.listen);

  if (adminAt && !isLoopback(adminAt.host) && !Object.hasOwn(admin.value, "token")) {
    fault(rules, admin, "listen", "is not on loopback: write admin.token, or listen on 127.0.0.1");
  }
  if (adminAt && !isLoopback(adminAt.host) && Object.hasOwn(admin.value, "token")) {
    const why =
      "is not on loopback and has no TLS: the token passes in clear, so only a network you trust may reach it";
    warn(rules, admin, "listen", why);
  }
  const sameHost =
    proxyAt && adminAt && (proxyAt.host === adminAt.host || isWildcard(proxyAt.host) || isWildcard(adminAt.host));
  if (sameHost && proxyAt.port === adminAt.port && proxyAt.port !== 0) {
    const place = Object.hasOwn(admin.value, "listen") ? admin : server;
    fault(rules, place, "listen", `has port ${proxyAt.port}, which server.listen and admin.listen cannot share`);
  }
  if (server.value.http3 === true && !Object.hasOwn(server.value, "tls")) {
    fault(rules, server, "http3", "needs server.tls: there is no HTTP/3 without it");
  }
  const { redirect_http: redirect } = server.value;
  if (redirect !== undefined && redirect !== null) {
    if (proxyAt && Number(redirect) === proxyAt.port) {
      fault(rules, server, "redirect_http", "must be another port than the one of server.listen");
    }
  }
}
