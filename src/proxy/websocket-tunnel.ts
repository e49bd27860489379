import type { Clock } from "../base/clock.ts";
import { isCloseCode } from "../http/websocket/frames.ts";
import type { MessageEvents, MessageSocket } from "../platform/websocket.ts";

/** Two open ends and what holds between them. */
export interface SocketPair {
  readonly client: MessageSocket;
  readonly upstream: MessageSocket;
  readonly clock: Clock;
  /** Milliseconds without a message or ping from either side, after which both are closed; 0: none. */
  readonly idle: number;
  onEnd(end: SocketPairEnd): void;
}

/** How a tunnel ended. */
export interface SocketPairEnd {
  /** Which end was over first; `idle`: neither was. */
  readonly by: "client" | "upstream" | "idle";
  /** The code it ended with: 1005 where there was none, 1006 where the connection broke. */
  readonly code: number;
  /** Bytes of messages that went to the client. */
  readonly bytes: number;
}

/** Ends one side as the other ended: with the same code and reason, or, where that one broke, at once. */
function mirror(socket: MessageSocket, code: number, reason: string): void {
  if (code === 1005 || isCloseCode(code)) socket.close(code, reason);
  else socket.terminate();
}

/**
 * Passes messages between a client and an upstream until one of them is over. A side that does not keep up makes the
 * other one wait: what was read before it paused is all that is held.
 */
export function joinSockets({ client, upstream, clock, idle, onEnd }: SocketPair): void {
  let bytes = 0;
  let lastSign = clock.now();
  let cancelTimer = (): void => {};
  let over = false;

  function end(by: SocketPairEnd["by"], code: number): void {
    over = true;
    cancelTimer();
    onEnd({ by, code, bytes });
  }

  const sign = (): void => {
    if (idle !== 0) lastSign = clock.now();
  };

  /** What is heard of `from` goes to `to`. */
  const passing = (by: "client" | "upstream", from: MessageSocket, to: MessageSocket): MessageEvents => ({
    message(data, size) {
      if (over) return;
      sign();
      if (by === "upstream") bytes += size;
      if (!to.send(data)) from.pause();
    },
    pinged: sign,
    drained: () => to.resume(),
    closed(code, reason) {
      if (over) return;
      mirror(to, code, reason);
      end(by, code);
    },
  });

  function watchIdle(): void {
    const left = lastSign + idle - clock.now();
    if (left > 0) {
      cancelTimer = clock.after(left, watchIdle);
      return;
    }
    client.close(1001, "Nothing was sent for too long");
    upstream.close(1001, "Nothing was sent for too long");
    end("idle", 1001);
  }

  client.listen(passing("client", client, upstream));
  upstream.listen(passing("upstream", upstream, client));
  if (idle !== 0) cancelTimer = clock.after(idle, watchIdle);
}
