import { isLoopback, isWildcard, type SocketAddress } from "../../base/addresses.ts";
import { listenAddressOf } from "../schema/listen.ts";
import { adminListen, serverListen } from "../schema/server.ts";
import { fault, type Rules, under, warn } from "./rules.ts";

/** What `server` and `admin` listen on; undefined: nothing, or an address that the schema reports. */
export function listenersOf({ root }: Rules): {
  proxy: SocketAddress | undefined;
  admin: SocketAddress | undefined;
} {
  const listenOf = (key: string): unknown => under(root, key).value.listen;
  return {
    proxy: listenAddressOf(serverListen, listenOf("server")),
    admin: root.value.admin === false ? undefined : listenAddressOf(adminListen, listenOf("admin")),
  };
}

/** Everything about `server` and `admin` that concerns more than one key. */
export function checkServer(rules: Rules): void {
  const server = under(rules.root, "server");
  const admin = under(rules.root, "admin");
  const { proxy: proxyAt, admin: adminAt } = listenersOf(rules);

  if (adminAt && !isLoopback(adminAt.host)) {
    const why =
      "is not on loopback and has no TLS: the token passes in clear, so only a network you trust may reach it";
    if (Object.hasOwn(admin.value, "token")) warn(rules, admin, "listen", why);
    else fault(rules, admin, "listen", "is not on loopback: write admin.token, or listen on 127.0.0.1");
  }
  const sameHost =
    proxyAt && adminAt && (proxyAt.host === adminAt.host || isWildcard(proxyAt.host) || isWildcard(adminAt.host));
  if (sameHost && proxyAt.port === adminAt.port && proxyAt.port !== 0) {
    const place = Object.hasOwn(admin.value, "listen") ? admin : server;
    fault(rules, place, "listen", `has port ${proxyAt.port}, which server.listen and admin.listen cannot share`);
  }
  if (server.value.http3 === true) {
    const why =
      "is not available: the edge is Podway's own and speaks HTTP/1.1 and HTTP/2; let a proxy in front speak HTTP/3";
    fault(rules, server, "http3", why);
  }
  const { redirect_http: redirect } = server.value;
  if (redirect !== undefined && redirect !== null && Number(redirect) === proxyAt?.port) {
    fault(rules, server, "redirect_http", "must be another port than the one of server.listen");
  }
}
