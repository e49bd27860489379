import { headersOf } from "../header-fields.ts";
import type { HttpAnswer } from "../message.ts";
import type { Transport } from "../transport.ts";
import { streamFrom } from "./body.ts";

/** The runtime makes a handshake of its own on either side (RFC 6455 section 11.3). */
const HANDSHAKE = ["sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-accept"];

/** An answer to an upgrade whose connection the runtime keeps as a WebSocket (Workers). */
export interface UpgradedAnswer extends HttpAnswer {
  readonly webSocket?: unknown;
}

/** A fetch of the runtime's own as a transport, where requests cannot leave by anything else. */
export function fetchTransport(fetch: (url: string, init: RequestInit) => Promise<Response>): Transport {
  return {
    async send(url, { method, headers, body, controller, upgrade }) {
      if (upgrade !== undefined) {
        headers.set("upgrade", upgrade.protocols);
        for (const name of HANDSHAKE) headers.delete(name);
      }
      const answer = await fetch(url, {
        method,
        headers: headersOf(headers),
        ...(body === undefined ? undefined : { body: streamFrom(body) }),
        redirect: "manual",
        signal: controller.signal,
      });
      const { status, statusText } = answer;
      // A runtime's own may not be changed.
      const fields = new Headers(answer.headers);
      if (status !== 101) return { status, statusText, headers: fields, body: answer.body };
      for (const name of HANDSHAKE) fields.delete(name);
      return {
        status,
        statusText,
        headers: fields,
        body: null,
        webSocket: (answer as UpgradedAnswer).webSocket,
      } as UpgradedAnswer;
    },
    dial: undefined,
    stripsHopByHop: false,
  };
}
