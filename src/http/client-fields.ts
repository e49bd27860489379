import { FIELD, kindsOf, readAsDashes } from "./fields.ts";
import type { Fields, HeaderFields } from "./header-fields.ts";
import { mayTrail } from "./trailers.ts";
import { trimmed } from "./white-space.ts";

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Naming these in `Connection` is an attack on framing or routing, never a wish. */
const NOT_BY_NAME = new Set(["host", "content-length", "transfer-encoding"]);

/** The names in a `Connection` field, in lower case. */
export function connectionOptions(connection: string): string[] {
  return connection.split(",").flatMap((part) => {
    const name = trimmed(part).toLowerCase();
    return TOKEN.test(name) ? [name] : [];
  });
}

/** The fields that a `Connection` field asks to drop (RFC 9110 section 7.6.1). */
export function fieldsNamedBy(connection: string): string[] {
  if (connection === "keep-alive" || connection === "close") return [];
  return connectionOptions(connection).filter((name) => !NOT_BY_NAME.has(name));
}

/** Other versions of HTTP, and TLS: who speaks them behind the gateway's back is past its rules. */
const OWN_PROTOCOLS = /^(?:h2c|http(?:\/.*)?|tls(?:\/.*)?)$/i;

/**
 * The protocols a client wants to go over to, as it wrote them, but for those that no pod may be asked for; undefined: none.
 * An upgrade that `Connection` does not name may be ignored (RFC 9110 section 7.8).
 */
export function upgradeOf(headers: HeaderFields): string | undefined {
  const wanted = headers.get("upgrade");
  if (wanted === null || !connectionOptions(headers.get("connection") ?? "").includes("upgrade")) return undefined;
  const protocols = wanted.split(",").map((protocol) => protocol.trim());
  const passed = protocols.filter((protocol) => protocol !== "" && !OWN_PROTOCOLS.test(protocol));
  return passed.length === 0 ? undefined : passed.join(", ");
}

/** Kinds that no client may send; what goes beyond depends on who it is and on the config. */
const NEVER = FIELD.oneHop | FIELD.gatewayOnly | FIELD.realIp;

/** The kinds of fields that end at the gateway. */
export const droppedKinds = (trusted: boolean, dropUnderscores: boolean): number =>
  NEVER | (trusted ? 0 : FIELD.forwarding) | (dropUnderscores ? FIELD.underscore : 0);

/**
 * The fields that a client's `Connection` takes away: its own only. What a trusted proxy says of the client is not the
 * client's to remove, who may have got its `Connection` through that proxy.
 */
export const takenAway = (headers: HeaderFields): string[] =>
  fieldsNamedBy(headers.get("connection") ?? "").filter((name) => (kindsOf(name) & FIELD.forwarding) === 0);

/** Of trailers no peer says who the client is: what comes behind a body, no proxy in front has looked at. */
const NEVER_BEHIND = NEVER | FIELD.forwarding | FIELD.framing;

/** Takes out of a client's trailers what must not go on (RFC 9110 section 6.5.1). Undefined: nothing is left. */
export function passedTrailers(trailers: Fields): Fields | undefined {
  for (let at = trailers.size - 1; at >= 0; at--) {
    const name = trailers.lowerAt(at);
    if ((kindsOf(name) & NEVER_BEHIND) !== 0 || !mayTrail(name)) trailers.removeAt(at);
  }
  return trailers.size === 0 ? undefined : trailers;
}

/** Names that the gateway sets or removes, as a client's fields are compared with them. */
export interface Lookalikes {
  /** With `_` and its like read as `-`. */
  readonly read: ReadonlySet<string>;
  /** The spelling with `-` of those that are written with `_` alone. */
  readonly dashed: readonly string[];
}

/** What a client may send that a pod could take for one of these names. */
export function lookalikesOf(names: readonly string[]): Lookalikes {
  const own = new Set(names.map((name) => name.toLowerCase()));
  const read = new Set([...own].map(readAsDashes));
  return { read, dashed: [...read].filter((name) => !own.has(name)) };
}

/**
 * Drops a client's fields that a pod could take for one of the gateway's, before those are written. `underscored`: the
 * fields with `_` in their names that the client sent.
 */
export function dropLookalikes(
  headers: HeaderFields,
  underscored: readonly string[] | undefined,
  { read, dashed }: Lookalikes,
): void {
  for (const name of dashed) headers.delete(name);
  if (underscored === undefined) return;
  for (const name of underscored) if (read.has(readAsDashes(name))) headers.delete(name);
}
