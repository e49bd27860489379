import { UpstreamError } from "../upstream-error.ts";

/** How a request's body is framed (RFC 9112 section 6.3): not at all, by a length in bytes, or in chunks. */
export type Framing = undefined | number | "chunked";

/** What a request line and fields cannot hold: anything else would end a line early or be read as something else. */
const NOT_A_TARGET = /[^\x21-\x7e]|#/;

/**
 * The head of a request in HTTP/1.1 (RFC 9112 section 3), its blank line included; each character is one byte. `target` is
 * the path and query, `authority` the `Host` where the headers have none. What frames the body is written as `framing`
 * says, whatever the headers say. Throws `UpstreamError` for a target that cannot be written.
 */
export function writeHead(
  method: string,
  target: string,
  authority: string,
  headers: Headers,
  framing: Framing,
): string {
  if (NOT_A_TARGET.test(target))
    throw new UpstreamError("refused", "The path or query has a character that must be percent-encoded");
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
  if (framing === "chunked") fields += "transfer-encoding: chunked\r\n";
  else if (framing !== undefined) fields += `content-length: ${framing}\r\n`;
  return `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n${fields}\r\n`;
}
