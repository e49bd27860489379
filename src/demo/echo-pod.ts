import { Fields } from "../http/header-fields.ts";
import type { HttpAnswer } from "../http/message.ts";
import { webSocketAccept } from "../http/websocket-accept.ts";
import type { SocketEvents, StreamSocket } from "../platform/sockets.ts";
import { createEcho, type EchoOptions } from "./echo.ts";

/** Opcodes of frames (RFC 6455 section 5.2); those of control frames begin with `CLOSE`. */
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const FIN = 0x80;
const MASKED = 0x80;
/** Longest payload of a control frame (RFC 6455 section 5.5). */
const CONTROL_BYTES = 125;

/** Bytes of a frame's head that begins with these; its second byte has to be there. */
function headBytes(head: readonly number[]): number {
  const length = head[1]! & 127;
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + 4;
}

/** Sends a client's frames back as they come, unmasked, and answers its pings and its close. What is no frame ends it. */
class FrameEcho implements SocketEvents {
  readonly #client: StreamSocket;
  /** Of the frame under way: its head as far as it came, then what of its payload came and is missing. */
  #head: number[] = [];
  #came = 0;
  #left = 0;
  #control: number[] = [];

  constructor(client: StreamSocket, rest: Uint8Array) {
    this.#client = client;
    client.listen(this);
    if (rest.length > 0) this.data(rest);
    client.resume();
  }

  data(bytes: Uint8Array): void {
    let writable = true;
    for (let at = 0; at < bytes.length; ) {
      if (this.#left === 0) {
        this.#head.push(bytes[at++]!);
        if (this.#head.length < 2 || this.#head.length < headBytes(this.#head)) continue;
        if (!this.#begin()) {
          this.#client.destroy();
          return;
        }
      } else {
        const piece = this.#unmasked(bytes.subarray(at, at + this.#left));
        at += piece.length;
        if (this.#opcode >= CLOSE) this.#control.push(...piece);
        else writable = this.#client.write(piece);
      }
      if (this.#left === 0 && this.#head.length > 0 && this.#end()) return;
    }
    if (!writable) this.#client.pause();
  }

  ended(): void {
    this.#client.end();
  }

  drained(): void {
    this.#client.resume();
  }

  closed(): void {}

  get #opcode(): number {
    return this.#head[0]! & 15;
  }

  /** The head is there. False: it is none that a client may send. */
  #begin(): boolean {
    const [first = 0, second = 0] = this.#head;
    const extended = this.#head.slice(2, -4);
    this.#left = extended.length === 0 ? second & 127 : extended.reduce((sum, byte) => sum * 256 + byte, 0);
    this.#came = 0;
    this.#control = [];
    if ((second & MASKED) === 0 || !Number.isSafeInteger(this.#left)) return false;
    if (this.#opcode >= CLOSE) return this.#left <= CONTROL_BYTES;
    this.#client.write(Uint8Array.of(first, second & 127, ...extended));
    return true;
  }

  #unmasked(bytes: Uint8Array): Uint8Array {
    const mask = this.#head.slice(-4);
    const piece = bytes.map((byte, i) => byte ^ mask[(this.#came + i) & 3]!);
    this.#came += piece.length;
    this.#left -= piece.length;
    return piece;
  }

  /** The frame is whole. True: it was the last one. */
  #end(): boolean {
    const opcode = this.#opcode;
    this.#head = [];
    const answer = opcode === PING ? PONG : opcode;
    if (opcode === PING || opcode === CLOSE) {
      this.#client.write(Uint8Array.of(FIN | answer, this.#control.length, ...this.#control));
    }
    if (opcode === CLOSE) this.#client.end();
    return opcode === CLOSE;
  }
}

/** The answer to a handshake at `/ws`, in the first of the subprotocols that the client offers; undefined: it is none. */
async function webSocket({ url, headers }: Request, pod: string): Promise<HttpAnswer | undefined> {
  const key = headers.get("sec-websocket-key");
  const wanted = headers.get("upgrade")?.toLowerCase() === "websocket" && new URL(url).pathname === "/ws";
  if (!wanted || key === null) return undefined;
  const fields = Fields.from([
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Accept", await webSocketAccept(key)],
    ["X-Pod", pod],
  ]);
  const offered = headers.get("sec-websocket-protocol")?.split(",")[0]?.trim();
  if (offered !== undefined) fields.set("Sec-WebSocket-Protocol", offered);
  const tunnel = (client: StreamSocket, rest: Uint8Array): void => void new FrameEcho(client, rest);
  return { status: 101, statusText: "", headers: fields, body: null, tunnel };
}

/** Answers a request as `createEcho` does; `/ws` is a WebSocket that sends every message back. */
export function createEchoPod(options: EchoOptions): (request: Request, peer: string) => Promise<HttpAnswer> {
  const echo = createEcho(options);
  return async (request, peer) => (await webSocket(request, options.pod)) ?? (await echo(request, peer));
}
