import type { Clock } from "../../base/clock.ts";
import type { SocketEvents, StreamSocket } from "../../platform/sockets.ts";
import type { HeaderFields } from "../header-fields.ts";
import type { HttpAnswer } from "../message.ts";
import type { RequestedUpgrade } from "../transport.ts";
import { createTunnel } from "../tunnel.ts";
import { UpstreamError } from "../upstream-error.ts";
import { webSocketAccept } from "../websocket-accept.ts";
import type { Upgrader } from "./call.ts";
import { HeldBytes } from "./held-bytes.ts";

const WEBSOCKET = "websocket";

/** Names of protocols ignore case (RFC 9110 section 7.8). */
const namesIn = (upgrade: string): string[] =>
  upgrade
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");

const invalid = (what: string): UpstreamError => new UpstreamError("invalid", what);

/** What looks at a pod's 101 to a request with these fields, and makes a tunnel of its connection. */
export async function createUpgrader(wanted: RequestedUpgrade, fields: HeaderFields, clock: Clock): Promise<Upgrader> {
  const asked = namesIn(wanted.protocols);
  const key = asked.includes(WEBSOCKET) ? fields.get("sec-websocket-key") : null;
  const accept = key === null ? undefined : await webSocketAccept(key);
  return {
    switched({ upgrade, fields: answered }, socket, rest) {
      const chosen = namesIn(upgrade ?? "");
      if (chosen.length === 0 || !chosen.every((name) => asked.includes(name))) {
        throw invalid("it switches to something else than was asked for");
      }
      if (chosen.includes(WEBSOCKET) && (accept === undefined || answered.get("sec-websocket-accept") !== accept)) {
        throw invalid("its Sec-WebSocket-Accept is wrong");
      }
      return tunnelOver(new WaitingEnd(socket, rest), wanted, clock);
    },
  };
}

/** A pod's end of a tunnel until the client's end is there. */
class WaitingEnd implements SocketEvents {
  readonly socket: StreamSocket;
  readonly held: HeldBytes;
  hasEnded = false;

  constructor(socket: StreamSocket, rest: Uint8Array) {
    this.socket = socket;
    this.held = new HeldBytes(rest);
    socket.listen(this);
  }

  /** What was on its way when the connection was paused. */
  data(bytes: Uint8Array): void {
    this.held.add(bytes);
  }

  ended(): void {
    this.hasEnded = true;
  }

  drained(): void {}

  /** Whoever listens next is notified again. */
  closed(): void {}
}

function tunnelOver(pod: WaitingEnd, wanted: RequestedUpgrade, clock: Clock): NonNullable<HttpAnswer["tunnel"]> {
  return (client, fromClient) => {
    const counts = { up: 0, down: 0 };
    createTunnel({
      client,
      upstream: pod.socket,
      fromClient,
      fromUpstream: pod.held.take(),
      upstreamEnded: pod.hasEnded,
      idle: wanted.idle,
      clock,
      counts,
      onEnd: (end) => wanted.onEnd(end, counts.up, counts.down),
    });
  };
}
