import { cookieValue } from "../http/cookie.ts";
import type { HashKey } from "./options.ts";
import type { PickInfo } from "./types.ts";

/** Reads the key of a request; undefined where it is absent or empty. */
export function ownKeyReader(key: HashKey): (request: PickInfo) => string | undefined {
  if ("header" in key) return (request) => request.headers.get(key.header) || undefined;
  if ("cookie" in key) return (request) => cookieValue(request.headers, key.cookie) || undefined;
  if ("query" in key) return (request) => queryValue(request.search, key.query) || undefined;
  return clientOf;
}

/**
 * The same, with the client's address for a request that has no key, as APISIX does, so that such clients keep their
 * target too. undefined: the runtime does not know that either.
 */
export function keyReader(key: HashKey): (request: PickInfo) => string | undefined {
  const own = ownKeyReader(key);
  return own === clientOf ? own : (request) => own(request) ?? clientOf(request);
}

const clientOf = ({ client }: PickInfo): string | undefined => client || undefined;

/** The decoded value of the first query parameter of that name; undefined where there is none. */
export function queryValue(search: string, name: string): string | undefined {
  if (search.length < 2) return undefined;
  return new URLSearchParams(search).get(name) ?? undefined;
}
