import type { HeaderFields } from "../header-fields.ts";
import { UpstreamError } from "../upstream-error.ts";

/** How a request's body is framed (RFC 9112 section 6.3): not at all, by a length in bytes, or in chunks. */
export type Framing = undefined | number | "chunked";

/** What a request line cannot hold: it would end the line early or be read as something else. */
const NOT_A_TARGET = /[^\x21-\x7e]|#/;

/** As fetch writes a target that a server handed over raw: what is not ASCII, and white space, percent-encoded. */
function encoded(target: string): string {
  if (target.includes("#"))
    throw new UpstreamError("refused", "The path or query has a #, which must be percent-encoded");
  return target.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}

/**
 * The head of a request in HTTP/1.1 (RFC 9112 section 3), its blank line included; each character is one byte. `target`
 * is the path and query, `authority` the `Host` where the headers have none. What frames the body is written as
 * `framing` says, whatever the headers say. `upgrades`: asks to go over to the protocol that the headers name in
 * `Upgrade`. Throws `UpstreamError` for a target that cannot be written.
 */
export function writeHead(
  method: string,
  target: string,
  authority: string,
  headers: HeaderFields,
  framing: Framing,
  upgrades = false,
): string {
  const asked = NOT_A_TARGET.test(target) ? encoded(target) : target;
  let host = authority;
  let fields = "";
  headers.forEach((value, name) => {
    switch (name) {
      case "host":
        host = value;
        return;
      case "connection":
      case "content-length":
      case "transfer-encoding":
        return;
      default:
        fields += `${name}: ${value}\r\n`;
    }
  });
  if (upgrades) fields += "connection: Upgrade\r\n";
  if (framing === "chunked") fields += "transfer-encoding: chunked\r\n";
  else if (framing !== undefined) fields += `content-length: ${framing}\r\n`;
  return `${method} ${asked} HTTP/1.1\r\nhost: ${host}\r\n${fields}\r\n`;
}
