import { queryValue } from "../balancing/request-key.ts";
import { cookieValue } from "../http/cookie.ts";
import type { MiddlewareContext } from "./plugin.ts";

/** Where a credential may be: in a header, else in a query parameter, else in a cookie. */
export interface CredentialPlaces {
  readonly header: string;
  readonly query?: string | undefined;
  readonly cookie?: string | undefined;
}

/** A credential, and where it was found. */
export interface Credential {
  readonly value: string;
  readonly place: keyof CredentialPlaces;
}

/** The first credential that the request has. */
export function findCredential(
  { facts: { headers, search } }: MiddlewareContext,
  { header, query, cookie }: CredentialPlaces,
): Credential | undefined {
  const inHeader = headers.get(header);
  if (inHeader !== null) return { value: inHeader, place: "header" };
  const inQuery = query === undefined ? undefined : queryValue(search, query);
  if (inQuery !== undefined) return { value: inQuery, place: "query" };
  const inCookie = cookie === undefined ? undefined : cookieValue(headers, cookie);
  return inCookie === undefined ? undefined : { value: inCookie, place: "cookie" };
}

/** Takes a credential out of the request that the upstream gets. */
export function hideCredential(
  context: MiddlewareContext,
  { header, query, cookie }: CredentialPlaces,
  place: Credential["place"],
): void {
  const { headers, search } = context.facts;
  if (place === "header") {
    context.upstreamHeaders.push([header, undefined]);
  } else if (place === "query") {
    context.search = withoutParameter(search, query!);
  } else {
    const pairs = headers.get("cookie")!.split(";");
    const rest = pairs.filter((pair) => pair.trim().split("=", 1)[0] !== cookie);
    context.upstreamHeaders.push(["cookie", rest.join(";").trim() || undefined]);
  }
}

/** The query without a parameter; what else is in it stays byte for byte. */
function withoutParameter(search: string, name: string): string {
  const kept = search
    .slice(1)
    .split("&")
    .filter((pair) => !new URLSearchParams(pair).has(name));
  return kept.length === 0 ? "" : `?${kept.join("&")}`;
}
