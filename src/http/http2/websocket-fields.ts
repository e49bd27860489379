import type { Random } from "../../base/clock.ts";
import { kindsOf } from "../fields.ts";
import type { Fields } from "../header-fields.ts";

/** Bytes of a handshake's key (RFC 6455 section 4.1). */
const KEY_BYTES = 16;

/** `FIELD` kinds of the names that `webSocketFields` adds. */
export const WEBSOCKET_KINDS: number = ["connection", "upgrade", "sec-websocket-key", "sec-websocket-version"].reduce(
  (kinds, name) => kinds | kindsOf(name),
  0,
);

/**
 * Makes of the fields of a request that opens a WebSocket over HTTP/2 (RFC 8441 section 5.1) those that open one over
 * HTTP/1.1, whose key and upgrade HTTP/2 leaves out.
 */
export function webSocketFields(fields: Fields, random: Random): void {
  let key = "";
  for (let at = 0; at < KEY_BYTES; at++) key += String.fromCharCode(Math.floor(random() * 256));
  fields.set("connection", "Upgrade");
  fields.set("upgrade", "websocket");
  fields.set("sec-websocket-key", btoa(key));
  if (!fields.has("sec-websocket-version")) fields.set("sec-websocket-version", "13");
}
