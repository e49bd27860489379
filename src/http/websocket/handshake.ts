import type { HeaderFields } from "../header-fields.ts";
import type { ResponseHead } from "../http1/response-head.ts";
import { UpstreamError } from "../upstream-error.ts";

/** What completes a key (RFC 6455 section 1.3). */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/**
 * Writes a client's handshake into the headers of its request (RFC 6455 section 4.1); no extension is offered. Gives
 * back what looks at the pod's 101, which throws an `UpstreamError` where that is no answer to this handshake.
 */
export async function beginHandshake(headers: HeaderFields): Promise<(head: ResponseHead) => void> {
  const key = base64(crypto.getRandomValues(new Uint8Array(16)));
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(key + KEY_SUFFIX));
  const accept = base64(new Uint8Array(digest));
  headers.set("upgrade", "websocket");
  headers.set("sec-websocket-version", "13");
  headers.set("sec-websocket-key", key);

  return ({ upgrade, fields }) => {
    if (upgrade?.toLowerCase() !== "websocket") throw invalid("it switches to something else than was asked for");
    if (fields.has("sec-websocket-extensions")) throw invalid("it chose a WebSocket extension that was not offered");
    if (fields.get("sec-websocket-accept") !== accept) throw invalid("its Sec-WebSocket-Accept is wrong");
  };
}

const invalid = (what: string): UpstreamError => new UpstreamError("invalid", what);
