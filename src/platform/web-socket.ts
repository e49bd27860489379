import { MESSAGE_BYTES, type MessageEvents, type MessageSocket } from "./websocket.ts";

/** Bytes waiting to be written over which the other side is paused. */
const HIGH_WATER = 256 * 1024;

/** How often a socket that is full is looked at: the standard's WebSocket does not tell when it has written. */
const LOOK_AGAIN_MS = 20;

/** A message too big (RFC 6455 section 7.4.1). */
const TOO_BIG = 1009;

/** `WebSocket.OPEN` and `WebSocket.CLOSED`. */
const OPEN = 1;
const CLOSED = 3;

const sizeOf = (data: string | ArrayBuffer): number =>
  typeof data === "string" ? new TextEncoder().encode(data).byteLength : data.byteLength;

/**
 * One end of a connection, as the standard's WebSocket has it (Deno, Workers). That one cannot be paused: what comes
 * meanwhile waits in memory. `begin` is called when its owner begins to read.
 */
export function webMessageSocket(socket: WebSocket, begin: () => void = () => {}): MessageSocket {
  let events: MessageEvents | undefined;
  let paused = false;
  const held: (string | ArrayBuffer)[] = [];
  const unsent: (string | Uint8Array)[] = [];
  socket.binaryType = "arraybuffer";

  const hand = (data: string | ArrayBuffer): void =>
    events?.message(typeof data === "string" ? data : new Uint8Array(data), sizeOf(data));

  const write = (message: string | Uint8Array): void => {
    if (socket.readyState === OPEN) socket.send(message as string | Uint8Array<ArrayBuffer>);
  };

  // Workers has no such member: it does not tell what waits.
  const isFull = (): boolean => (socket.bufferedAmount ?? 0) > HIGH_WATER;

  const lookAgain = (): void => {
    setTimeout(() => {
      if (socket.readyState !== OPEN) return;
      if (isFull()) lookAgain();
      else events?.drained();
    }, LOOK_AGAIN_MS);
  };

  const end = (code: number, reason: string): void => {
    const told = events;
    events = undefined;
    told?.closed(code, reason);
  };

  // The standard allows 1000 and 3000 to 4999 alone: another code of the other side cannot be passed on.
  const goodbye = (code: number, reason: string): void => {
    if (code === 1005) socket.close();
    else socket.close(code >= 3000 && code <= 4999 ? code : 1000, reason);
  };

  socket.addEventListener("open", () => {
    for (const message of unsent.splice(0)) write(message);
  });
  socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (sizeOf(data) > MESSAGE_BYTES) {
      socket.close(TOO_BIG, "The message is too big");
      end(TOO_BIG, "The message is too big");
    } else if (paused) held.push(data);
    else hand(data);
  });
  socket.addEventListener("close", ({ code, reason }) => {
    // Workers leave the answer to a close frame to their code; elsewhere the connection is closed by now.
    if (socket.readyState !== CLOSED) goodbye(code, reason);
    end(code, reason);
  });
  socket.addEventListener("error", () => end(1006, ""));

  return {
    listen(next) {
      events = next;
      begin();
    },
    send(message) {
      if (socket.readyState < OPEN) {
        unsent.push(message);
        return true;
      }
      write(message);
      if (!isFull()) return true;
      lookAgain();
      return false;
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
      while (!paused && held.length > 0) hand(held.shift()!);
    },
    close(code, reason) {
      events = undefined;
      goodbye(code, reason);
    },
    terminate() {
      events = undefined;
      socket.close();
    },
  };
}
