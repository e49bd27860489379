import { fieldsNamedBy } from "../http/client-fields.ts";
import { FIELD, mayHave, ONE_HOP } from "../http/fields.ts";
import type { HeaderFields } from "../http/header-fields.ts";
import type { IncomingRequest } from "../http/request.ts";

/** `Proxy-Authenticate` is the other half of `Proxy-Authorization` (RFC 9110 section 11.7). */
const RESPONSE_STOPS = [...ONE_HOP, "proxy-authenticate"] as const;

const there = (headers: HeaderFields, facts: IncomingRequest, kind: number, name: string): boolean =>
  mayHave(facts, kind) && headers.has(name);

/** Writes a field, which is looked for only where it may be there. */
function put(headers: HeaderFields, mayBeThere: boolean, name: string, value: string): void {
  if (mayBeThere) headers.set(name, value);
  else headers.append(name, value);
}

/**
 * Writes where a request came from into the headers of the request to the pod, in place: this hop into
 * `X-Forwarded-For` and, where the client or a proxy sent one, `Forwarded` (RFC 7239); the client into `X-Real-IP`;
 * `X-Forwarded-Proto`, `-Host` and `-Port` where nothing is there. What is there comes from a trusted proxy or from the
 * route's middleware: the rest was dropped when the request was read.
 */
export function toUpstream(headers: HeaderFields, facts: IncomingRequest): void {
  const { peer, client } = facts;
  const listed = mayHave(facts, FIELD.forwardedFor);
  const chain = listed ? headers.get("x-forwarded-for") : null;
  if (peer !== "") put(headers, listed, "x-forwarded-for", chain === null ? peer : `${chain}, ${peer}`);
  if (client !== "" && !there(headers, facts, FIELD.realIp, "x-real-ip")) headers.append("x-real-ip", client);
  const scheme = there(headers, facts, FIELD.forwardedProto, "x-forwarded-proto");
  // The listener's port beside a proxy's own scheme would make a URL that leads nowhere.
  if (!scheme && !there(headers, facts, FIELD.forwardedPort, "x-forwarded-port"))
    headers.append("x-forwarded-port", facts.port);
  if (!scheme) headers.append("x-forwarded-proto", facts.scheme);
  if (!there(headers, facts, FIELD.forwardedHost, "x-forwarded-host"))
    headers.append("x-forwarded-host", facts.authority);
  if (((facts.fields ?? 0) & FIELD.forwarded) !== 0 || there(headers, facts, FIELD.forwarded, "forwarded")) {
    const hops = headers.get("forwarded");
    headers.set("forwarded", hops === null ? hop(facts) : `${hops}, ${hop(facts)}`);
  }
}

/** This hop as an element of `Forwarded` (RFC 7239 section 4). */
function hop(facts: IncomingRequest): string {
  const address = facts.peer === "" ? "unknown" : facts.peer;
  const node = address.includes(":") ? `"[${address}]"` : address;
  const host = facts.authority === "" ? "" : `;host="${facts.authority}"`;
  return `for=${node}${host};proto=${facts.scheme}`;
}

/** Deletes what was meant for the gateway alone from an answer's headers, in place. */
export function toClient(headers: HeaderFields): void {
  const connection = headers.get("connection");
  if (connection !== null) for (const name of fieldsNamedBy(connection)) headers.delete(name);
  for (let i = 0; i < RESPONSE_STOPS.length; i++) headers.delete(RESPONSE_STOPS[i]!);
}

/** Adds this gateway to `Via` (RFC 9110 section 7.6.3). */
export function addVia(headers: HeaderFields): void {
  headers.append("via", "1.1 podway");
}
