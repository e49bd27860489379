import type { SocketEvents, StreamSocket } from "../../platform/sockets.ts";
import type { ConnectionPhase, ConnectionTimeout } from "../http1/connection-phase.ts";
import type { KeptConnection } from "./kept-connection.ts";

/** What a client that knows that the server speaks HTTP/2 begins with (RFC 9113 section 3.4). */
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** How much of the preface these bytes are, from `at` of it on; -1: they are something else. */
function prefaceBytes(bytes: Uint8Array, at: number): number {
  const length = Math.min(bytes.length, PREFACE.length - at);
  for (let i = 0; i < length; i++) if (bytes[i] !== PREFACE.charCodeAt(at + i)) return -1;
  return at + length;
}

/** What is done with a connection whose protocol is known. */
export interface Chosen {
  /** `first`: what came already. */
  chosen(connection: FirstBytes, protocol: "http1" | "http2", first: Uint8Array): void;
  /** It is over before that. */
  closed(connection: FirstBytes): void;
}

/** A connection without TLS whose protocol its first bytes will tell. */
export class FirstBytes implements SocketEvents, KeptConnection {
  phase: ConnectionPhase = "idle";
  since: number;
  readonly waiting = 0;
  readonly drains = 0;
  readonly awaitsBody = false;
  readonly socket: StreamSocket;
  readonly #owner: Chosen;
  readonly #now: () => number;
  /** As much of the preface as came. */
  #matched = 0;

  constructor(socket: StreamSocket, owner: Chosen, now: () => number) {
    this.socket = socket;
    this.#owner = owner;
    this.#now = now;
    this.since = now();
    socket.listen(this);
    socket.resume();
  }

  get heldBytes(): number {
    return this.#matched;
  }

  data(bytes: Uint8Array): void {
    const before = this.#matched;
    const matched = prefaceBytes(bytes, before);
    if (matched !== -1 && matched < PREFACE.length) {
      this.#matched = matched;
      if (this.phase === "head") return;
      this.phase = "head";
      this.since = this.#now();
      return;
    }
    this.phase = "over";
    this.#owner.chosen(this, matched === -1 ? "http1" : "http2", before === 0 ? bytes : withPreface(before, bytes));
  }

  ended(): void {
    this.close();
  }

  drained(): void {}

  closed(): void {
    if (this.phase === "over") return;
    this.phase = "over";
    this.#owner.closed(this);
  }

  drain(): void {
    this.close();
  }

  close(): void {
    if (this.phase === "over") return;
    this.socket.destroy();
    this.closed();
  }

  expire(timeout: ConnectionTimeout): void {
    const { phase } = this;
    if ((timeout === "head" && phase === "head") || (timeout === "keep_alive" && phase === "idle")) this.close();
  }
}

/** The beginning of the preface that came before, and what came now. */
function withPreface(before: number, bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(before + bytes.length);
  for (let i = 0; i < before; i++) all[i] = PREFACE.charCodeAt(i);
  all.set(bytes, before);
  return all;
}
