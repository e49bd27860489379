import type { Clock } from "../../base/clock.ts";
import type { StreamSocket } from "../../platform/sockets.ts";
import type { MessageEvents, MessageSocket } from "../../platform/websocket.ts";
import { closePayload, createFrameReader, encodeFrame, FrameError, OPCODE } from "./frames.ts";

/** How long a closing handshake may take, ms: a pod that does not answer it is left without. */
export const CLOSE_MS = 1000;

export interface ClientSocketOptions {
  readonly clock: Clock;
  /** Largest message taken, in bytes. */
  readonly maxBytes: number;
  /** What came behind the handshake. */
  readonly rest: Uint8Array;
}

/** Random bytes for masks, many at a time: a call for each frame would cost more than the frame. */
function createMasks(): () => Uint8Array {
  const pool = new Uint8Array(1024);
  let at = pool.byteLength;
  return () => {
    if (at === pool.byteLength) {
      crypto.getRandomValues(pool);
      at = 0;
    }
    at += 4;
    return pool.subarray(at - 4, at);
  };
}

const nextMask = createMasks();

/**
 * - `open`: messages pass.
 * - `closing`: our close frame is sent; the other side's, or the end of the connection, is waited for.
 * - `failed`: the same after something that is no WebSocket frame: nothing more is read.
 * - `over`: the connection is gone.
 */
type State = "open" | "closing" | "failed" | "over";

/** The client's end of a WebSocket (RFC 6455), over a paused connection whose handshake is done. */
export function createClientSocket(stream: StreamSocket, options: ClientSocketOptions): MessageSocket {
  const { clock, maxBytes, rest } = options;
  let state: State = "open";
  let events: MessageEvents | undefined;
  /** What was written has not left yet. */
  let blocked = false;
  /** The last ping that came meanwhile: only that one has to be answered (RFC 6455 section 5.5.3). */
  let unanswered: Uint8Array | undefined;
  let cancelTimer = (): void => {};

  function write(opcode: number, payload: string | Uint8Array): boolean {
    blocked = !stream.write(encodeFrame(opcode, payload, nextMask()));
    return !blocked;
  }

  function over(): void {
    const before = state;
    state = "over";
    cancelTimer();
    if (before === "open") events?.closed(1006, "");
  }

  /** Our close frame is out: the server ends the connection first, as it should (section 7.1.1), or we do. */
  function sayGoodbye(code: number, reason: string): void {
    write(OPCODE.close, closePayload(code, reason));
    stream.resume();
    cancelTimer = clock.after(CLOSE_MS, () => stream.destroy());
  }

  const read = createFrameReader(
    {
      message(data, size) {
        if (state === "open") events?.message(data, size);
      },
      ping(payload) {
        if (state !== "open") return;
        if (blocked) unanswered = payload;
        else write(OPCODE.pong, payload);
        events?.pinged();
      },
      close(code, reason) {
        if (state !== "open") {
          stream.destroy();
          return;
        }
        state = "closing";
        sayGoodbye(code, "");
        events?.closed(code, reason);
      },
    },
    maxBytes,
  );

  function fail(error: FrameError): void {
    const before = state;
    state = "failed";
    if (before !== "open") {
      stream.destroy();
      return;
    }
    sayGoodbye(error.code, error.message);
    if (error.code === 1009) events?.closed(1009, error.message);
    else events?.closed(1006, "");
  }

  function data(chunk: Uint8Array): void {
    if (state === "over" || state === "failed") return;
    try {
      read(chunk);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      fail(error);
    }
  }

  return {
    listen(to) {
      events = to;
      stream.listen({
        data,
        drained() {
          blocked = false;
          if (state !== "open") return;
          if (unanswered !== undefined) write(OPCODE.pong, unanswered);
          unanswered = undefined;
          events?.drained();
        },
        ended: () => stream.destroy(),
        closed: over,
      });
      if (rest.length > 0) data(rest);
      stream.resume();
    },
    send(message) {
      if (state !== "open") return true;
      return write(typeof message === "string" ? OPCODE.text : OPCODE.binary, message);
    },
    pause() {
      if (state === "open") stream.pause();
    },
    resume: () => stream.resume(),
    close(code, reason) {
      if (state !== "open") return;
      state = "closing";
      sayGoodbye(code, reason);
    },
    terminate() {
      state = "over";
      cancelTimer();
      stream.destroy();
    },
  };
}
