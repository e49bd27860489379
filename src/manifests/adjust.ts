import { type Document, isMap, parseDocument } from "yaml";
import { isLoopback, type SocketAddress } from "../base/addresses.ts";
import type { ConfigDocument } from "../config/document.ts";
import { rootOf, under } from "../config/rules/rules.ts";
import type { Config } from "../config/schema.ts";
import { ADMIN_TOKEN_VARIABLE } from "./types.ts";

/** How long a pod that ends goes on accepting: kube-proxies and load balancers hear of its end only after a while. */
const DRAIN_DELAY_MS = 5000;

/** A config's text for a pod, and what differs from the file. */
export interface Adjusted {
  readonly text: string;
  readonly changes: readonly string[];
}

/** Sets a key under a mapping of the top, which is made where there is none. */
function set(document: Document, top: string, key: string, value: unknown): void {
  if (!isMap(document.contents)) document.contents = document.createNode({}) as typeof document.contents;
  const there = document.get(top, true);
  if (isMap(there)) there.set(document.createNode(key), document.createNode(value));
  else document.set(top, document.createNode({ [key]: value }));
}

const everywhere = ({ port }: SocketAddress, fallback: number): string => `0.0.0.0:${port === 0 ? fallback : port}`;

/**
 * What a config that serves well on one's own machine lacks in a pod: addresses that the kubelet and other pods reach,
 * and time for them to hear that a pod ends. Whatever else the file says stays as it is written, comments too.
 */
export function adjustForPod(text: string, { admin, server }: Config, source: ConfigDocument): Adjusted {
  const document = parseDocument(text, { merge: true, uniqueKeys: false });
  const changes: string[] = [];
  const writes = (top: string, key: string): boolean => Object.hasOwn(under(rootOf(source), top).value, key);

  if (admin !== false && (isLoopback(admin.listen.host) || admin.listen.port === 0)) {
    const listen = everywhere(admin.listen, 9090);
    set(document, "admin", "listen", listen);
    changes.push(`admin.listen is ${listen}: the kubelet asks /healthz and /readyz at the pod's address`);
    if (!writes("admin", "token")) {
      set(document, "admin", "token", `\${${ADMIN_TOKEN_VARIABLE}}`);
      changes.push(`admin.token is \${${ADMIN_TOKEN_VARIABLE}}: everything else there is for those who know it`);
    }
  }
  if (isLoopback(server.listen.host) || server.listen.port === 0) {
    const listen = everywhere(server.listen, 8080);
    set(document, "server", "listen", listen);
    changes.push(
      `server.listen is ${listen}: nothing outside the pod reaches loopback, and the Service names one port`,
    );
  }
  if (!writes("server", "drain_delay")) {
    set(document, "server", "drain_delay", DRAIN_DELAY_MS);
    changes.push(`server.drain_delay is ${DRAIN_DELAY_MS}: clients hear only after a while that a pod ends`);
  }
  return { text: changes.length === 0 ? text : document.toString({ lineWidth: 0 }), changes };
}
