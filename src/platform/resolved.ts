import { isPlainPath } from "../base/path-check.ts";

/**
 * Deno and Workers hand over the request target as it came, dot segments and backslashes included, which their own
 * fetch resolves: a route would be matched by another path than the one that is asked for. So they are resolved first,
 * as Bun does. undefined: there is nothing to resolve. Throws where the target makes no URL.
 */
export function resolved(request: Request): Request | undefined {
  const { url, method, headers, body, signal } = request;
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  if (isPlainPath(query === -1 ? url.slice(start) : url.slice(start, query))) return undefined;
  return new Request(new URL(url), { method, headers, body, signal, duplex: "half" } as RequestInit);
}
