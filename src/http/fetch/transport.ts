import type { MessageSocket } from "../../platform/websocket.ts";
import { headersOf } from "../header-fields.ts";
import type { Transport } from "../transport.ts";
import { streamFrom } from "./body.ts";

/** A fetch of the runtime's own as a transport, where requests cannot leave by anything else. */
export function fetchTransport(
  fetch: (url: string, init: RequestInit) => Promise<Response>,
  /** The WebSocket that an answer brings; undefined: it brings none. */
  socketOf: (answer: Response) => MessageSocket | undefined,
): Transport {
  return {
    async send(url, { method, headers, body, controller, tunnel }) {
      if (tunnel !== undefined) headers.set("upgrade", "websocket");
      const answer = await fetch(url, {
        method,
        headers: headersOf(headers),
        ...(body === undefined ? undefined : { body: streamFrom(body) }),
        redirect: "manual",
        signal: controller.signal,
      });
      if (tunnel !== undefined) tunnel.socket = socketOf(answer);
      const { status, statusText } = answer;
      // A runtime's own may not be changed.
      return { status, statusText, headers: new Headers(answer.headers), body: answer.body };
    },
    dial: undefined,
    stripsHopByHop: false,
    carriesTunnels: true,
  };
}
