import type { RequestFacts } from "../request.ts";
import { ANY_FIELD, type Field, fieldBits } from "./fields.ts";

/** Good for one hop only (RFC 9110 section 7.6.1): stopped here in both directions. */
const ONE_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
] as const;

/** Addressed to this gateway, not to the pod behind it. `Expect` was answered by the runtime's server already. */
const REQUEST_STOPS = [...ONE_HOP, "proxy-authorization", "expect", "http2-settings"] as const;

/** `Proxy-Authenticate` is the other half of `Proxy-Authorization` (RFC 9110 section 11.7). */
const RESPONSE_STOPS = [...ONE_HOP, "proxy-authenticate"] as const;

/** Of the `X-Forwarded-` family, those this gateway does not set itself: from an untrusted peer they are made up. */
const UNTRUSTED = ["x-forwarded-port", "x-forwarded-prefix", "x-forwarded-server"] as const;

/** Naming these in `Connection` is an attack on framing or routing, never a wish. */
const NOT_BY_NAME = new Set(["host", "content-length", "transfer-encoding"]);

type Stop = readonly [name: Field, bit: number];
const stops = (names: readonly Field[]): readonly Stop[] => names.map((name) => [name, fieldBits(name)]);
const TRUSTED_STOPS = stops(REQUEST_STOPS);
const UNTRUSTED_STOPS = stops([...REQUEST_STOPS, ...UNTRUSTED]);
const CONNECTION = fieldBits("connection");
const FORWARDED = fieldBits("forwarded");

/** Fields that make `toUpstream` do more than write `X-Forwarded-For`, `-Proto` and `-Host`. */
const STOPPED = fieldBits(...REQUEST_STOPS, ...UNTRUSTED);

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Deletes the fields that a `Connection` header names (RFC 9110 section 7.6.1). */
function dropNamed(headers: Headers, connection: string): void {
  if (connection === "keep-alive" || connection === "close") return;
  for (const part of connection.split(",")) {
    const name = part.trim().toLowerCase();
    if (TOKEN.test(name) && !NOT_BY_NAME.has(name)) headers.delete(name);
  }
}

/**
 * Makes a client's headers those of the request to the pod, in place: one-hop fields go, `X-Forwarded-For`, `-Proto`,
 * `-Host` and `Forwarded` (RFC 7239) are written. `trusted`: the peer is a trusted proxy, so its chain is continued and
 * the scheme and host it tells are kept; else they are replaced. `Forwarded` is written only where one was sent.
 */
export function toUpstream(headers: Headers, facts: RequestFacts, trusted: boolean): void {
  const fields = facts.fields ?? ANY_FIELD;
  if ((fields & STOPPED) !== 0) stop(headers, fields, trusted);
  const chain = trusted ? headers.get("x-forwarded-for") : null;
  if (facts.peer !== "") headers.set("x-forwarded-for", chain === null ? facts.peer : `${chain}, ${facts.peer}`);
  else if (chain === null) headers.delete("x-forwarded-for");
  if (!trusted || !headers.has("x-forwarded-proto")) headers.set("x-forwarded-proto", facts.scheme);
  if (!trusted || !headers.has("x-forwarded-host")) headers.set("x-forwarded-host", facts.authority);

  const forwarded = (fields & FORWARDED) === 0 ? null : headers.get("forwarded");
  if (forwarded !== null) headers.set("forwarded", trusted ? `${forwarded}, ${hop(facts)}` : hop(facts));
}

function stop(headers: Headers, fields: number, trusted: boolean): void {
  const connection = (fields & CONNECTION) === 0 ? null : headers.get("connection");
  if (connection !== null) dropNamed(headers, connection);
  const all = trusted ? TRUSTED_STOPS : UNTRUSTED_STOPS;
  for (let i = 0; i < all.length; i++) if ((fields & all[i]![1]) !== 0) headers.delete(all[i]![0]);
}

/** This hop as an element of `Forwarded` (RFC 7239 section 4). */
function hop(facts: RequestFacts): string {
  const address = facts.peer === "" ? "unknown" : facts.peer;
  const node = address.includes(":") ? `"[${address}]"` : address;
  const host = facts.authority === "" ? "" : `;host="${facts.authority}"`;
  return `for=${node}${host};proto=${facts.scheme}`;
}

/** True when an answer has a field that must not pass. For runtimes whose answers cannot be changed in place. */
export function hasOneHop(headers: Headers): boolean {
  return RESPONSE_STOPS.some((name) => headers.has(name));
}

/** Deletes what was meant for the gateway alone from an answer's headers, in place. */
export function toClient(headers: Headers): void {
  const connection = headers.get("connection");
  if (connection !== null) dropNamed(headers, connection);
  for (let i = 0; i < RESPONSE_STOPS.length; i++) headers.delete(RESPONSE_STOPS[i]!);
}

/** Adds this gateway to `Via` (RFC 9110 section 7.6.3). */
export function addVia(headers: Headers): void {
  headers.append("via", "1.1 podway");
}
