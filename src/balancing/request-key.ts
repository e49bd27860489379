import type { RequestFacts } from "../request.ts";

/** What of a request consistent hashing looks at. */
export type HashKey = { header: string } | { cookie: string } | { query: string } | { client_ip: true };

/** Reads the key of a request; undefined where the request has none, or an empty one. */
export function keyReader(key: HashKey): (request: RequestFacts) => string | undefined {
  if ("header" in key) return (request) => request.headers.get(key.header) || undefined;
  if ("cookie" in key) return (request) => cookieValue(request.headers, key.cookie) || undefined;
  if ("query" in key) return (request) => queryValue(request.search, key.query) || undefined;
  return (request) => request.client || undefined;
}

/** The value of the first cookie of that name, as sent (RFC 6265 section 5.4); undefined where there is none. */
export function cookieValue(headers: Headers, name: string): string | undefined {
  const line = headers.get("cookie");
  if (line === null) return undefined;
  let start = 0;
  while (start < line.length) {
    while (line[start] === " ") start++;
    let end = line.indexOf(";", start);
    if (end < 0) end = line.length;
    if (line[start + name.length] === "=" && line.startsWith(name, start)) {
      return line.slice(start + name.length + 1, end).trim();
    }
    start = end + 1;
  }
  return undefined;
}

/** The decoded value of the first query parameter of that name; undefined where there is none. */
export function queryValue(search: string, name: string): string | undefined {
  if (search.length < 2) return undefined;
  return new URLSearchParams(search).get(name) ?? undefined;
}
