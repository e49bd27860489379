import type { Clock } from "../base/clock.ts";
import type { SocketEvents, StreamSocket } from "../platform/sockets.ts";

/** Why a tunnel ended; undefined: both sides had said all they had to say. */
export type TunnelEnd = "client_reset" | "upstream_reset" | "idle_timeout" | "drained" | undefined;

/** What joining two connections needs. */
export interface TunnelOptions {
  readonly client: StreamSocket;
  readonly upstream: StreamSocket;
  /** What came of each before, handed on first; left out: nothing. */
  readonly fromClient?: Uint8Array | undefined;
  readonly fromUpstream?: Uint8Array | undefined;
  /** The upstream has said already that it will send no more. @default false */
  readonly upstreamEnded?: boolean | undefined;
  /** Milliseconds without a byte either way after which both are closed; 0: never. */
  readonly idle: number;
  readonly clock: Clock;
  /** Bytes are added as they pass. */
  readonly counts: { up: number; down: number };
  /** Called once, when both connections are gone. */
  onEnd(end: TunnelEnd): void;
}

/** Two joined connections. */
export interface Tunnel {
  /** Bytes from the client. */
  readonly up: number;
  /** Bytes from the upstream. */
  readonly down: number;
  /** Closes both at once. */
  close(): void;
}

/** One end of a tunnel. */
interface Side {
  readonly socket: StreamSocket;
  bytes: number;
  /** It said that it will send no more. */
  ended: boolean;
  closed: boolean;
}

/**
 * Joins two connections until both are gone. An end of one direction is passed on while the other goes on; a side that
 * reads slowly stops the other from sending; a side that breaks breaks the other.
 */
export function createTunnel(options: TunnelOptions): Tunnel {
  const { client, upstream, idle, clock, counts, onEnd } = options;
  const sides: Record<"client" | "upstream", Side> = {
    client: { socket: client, bytes: 0, ended: false, closed: false },
    upstream: { socket: upstream, bytes: 0, ended: false, closed: false },
  };
  let end: TunnelEnd;
  let last = clock.now();
  let cancelIdle = (): void => {};
  let finished = false;

  function finish(why: TunnelEnd): void {
    finished = true;
    end ??= why;
    cancelIdle();
    for (const { socket, closed } of [sides.client, sides.upstream]) if (!closed) socket.destroy();
  }

  /** One timer that looks when the last byte was: one that every byte arms again would cost more than the byte. */
  function watchIdle(): void {
    const left = last + idle - clock.now();
    if (left <= 0) finish("idle_timeout");
    else cancelIdle = clock.after(left, watchIdle);
  }

  function eventsOf(from: Side, to: Side, way: "up" | "down"): SocketEvents {
    return {
      data(bytes) {
        from.bytes += bytes.byteLength;
        counts[way] += bytes.byteLength;
        if (idle > 0) last = clock.now();
        if (!to.socket.write(bytes)) from.socket.pause();
      },
      ended() {
        from.ended = true;
        to.socket.end();
      },
      drained() {
        // A slow reader that takes bytes is not idle, though none was sent.
        if (idle > 0) last = clock.now();
        to.socket.resume();
      },
      closed(cause) {
        from.closed = true;
        // One that is gone before both had ended was given up, be it by its owner on this side of it.
        const broke = !finished && (cause !== undefined || !(from.ended && to.ended));
        if (broke) end ??= way === "up" ? "client_reset" : "upstream_reset";
        if (to.closed) {
          cancelIdle();
          onEnd(end);
        } else if (broke) to.socket.reset();
      },
    };
  }

  const up = eventsOf(sides.client, sides.upstream, "up");
  const down = eventsOf(sides.upstream, sides.client, "down");
  client.listen(up);
  upstream.listen(down);
  if (idle > 0) watchIdle();
  client.resume();
  upstream.resume();
  const { fromClient, fromUpstream } = options;
  if (fromClient !== undefined && fromClient.length > 0) up.data(fromClient);
  if (fromUpstream !== undefined && fromUpstream.length > 0) down.data(fromUpstream);
  if (options.upstreamEnded) down.ended();
  return {
    get up() {
      return sides.client.bytes;
    },
    get down() {
      return sides.upstream.bytes;
    },
    close: () => finish("drained"),
  };
}
