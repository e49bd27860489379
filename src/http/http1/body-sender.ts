import type { StreamSocket } from "../../platform/sockets.ts";
import type { BodySink, BodySource } from "../body.ts";
import type { Fields } from "../header-fields.ts";

/** Of a body in chunks. */
export const CHUNKED = -1;
/** Of a body that ends with its connection. */
export const UNTIL_CLOSE = -2;

/** Why a body cannot be finished: it is longer or shorter than its head said, or its source broke. */
export type BodyFault = "longer" | "shorter" | "broke";

/** The connection that a message leaves on. */
export interface BodySenderOwner {
  /** The whole message was handed to the socket. `more`: it takes more. */
  handedOver(more: boolean): void;
  /** It cannot be finished; what came of it has been handed over. `error`: of a source that broke. */
  broken(fault: BodyFault, error: unknown): void;
}

/**
 * Sends a message whose body is on its way: no faster than its receiver reads, and never as whole what is not. What is there
 * at once leaves with the head.
 */
export class BodySender implements BodySink {
  readonly #owner: BodySenderOwner;
  readonly #socket: StreamSocket;
  readonly #source: BodySource;
  readonly #framing: number;
  readonly #trailerLines: (trailers: Fields | undefined) => string;
  /** Bytes that are missing, of a body with a length. */
  #left: number;
  /** Has not left yet. */
  #head: string;
  #first: Uint8Array | undefined = undefined;
  #starting = false;
  #clogged = false;
  #over = false;

  /** `framing`: the length, `CHUNKED` or `UNTIL_CLOSE`; `trailerLines`: writes what stands behind chunks. */
  constructor(
    owner: BodySenderOwner,
    socket: StreamSocket,
    source: BodySource,
    head: string,
    framing: number,
    trailerLines: (trailers: Fields | undefined) => string,
  ) {
    this.#owner = owner;
    this.#socket = socket;
    this.#source = source;
    this.#framing = framing;
    this.#trailerLines = trailerLines;
    this.#left = framing < 0 ? Number.POSITIVE_INFINITY : framing;
    this.#head = head;
  }

  /** Sends the head, and of the body what comes. */
  start(): void {
    this.#starting = true;
    this.#source.pipe(this);
    this.#starting = false;
    if (this.#over || this.#head === "") return;
    this.#sendStart();
    if (this.#clogged) this.#source.pause();
  }

  data(bytes: Uint8Array): void {
    // A chunk without a byte would be the last one.
    if (this.#over || bytes.length === 0) return;
    this.#left -= bytes.length;
    if (this.#left < 0) {
      this.#break("longer", undefined);
      this.#source.cancel(new Error("The body is longer than its Content-Length"));
      return;
    }
    if (this.#head !== "") {
      if (this.#starting && this.#first === undefined) {
        this.#first = bytes;
        return;
      }
      this.#sendStart();
    }
    if (this.#framing === CHUNKED) this.#send(`${bytes.length.toString(16)}\r\n`, bytes, "\r\n");
    else this.#send("", bytes, "");
    if (this.#clogged) this.#source.pause();
  }

  end(trailers: Fields | undefined): void {
    if (this.#over) return;
    if (this.#framing >= 0 && this.#left > 0) {
      this.#break("shorter", undefined);
      return;
    }
    this.#over = true;
    const last = this.#framing === CHUNKED ? `0\r\n${this.#trailerLines(trailers)}\r\n` : "";
    if (this.#head !== "") this.#sendStart(last);
    else if (last !== "") this.#clogged = !this.#socket.write(last) || this.#clogged;
    this.#owner.handedOver(!this.#clogged);
  }

  fail(error: unknown): void {
    if (!this.#over) this.#break("broke", error);
  }

  /** The socket takes more. */
  drained(): void {
    if (!this.#clogged) return;
    this.#clogged = false;
    if (!this.#over) this.#source.resume();
  }

  /** It is not wanted any more. */
  cancel(reason?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#source.cancel(reason);
  }

  /** The head, what came of the body with it, and the end where that is known. */
  #sendStart(last = ""): void {
    const head = this.#head;
    const first = this.#first;
    this.#head = "";
    this.#first = undefined;
    if (first === undefined) this.#clogged = !this.#socket.write(head + last);
    else if (this.#framing !== CHUNKED) this.#send(head, first, last);
    else this.#send(`${head}${first.length.toString(16)}\r\n`, first, `\r\n${last}`);
  }

  #send(before: string, bytes: Uint8Array, after: string): void {
    const more =
      before === "" && after === "" ? this.#socket.write(bytes) : this.#socket.writeFramed(before, bytes, after);
    if (!more) this.#clogged = true;
  }

  #break(fault: BodyFault, error: unknown): void {
    this.#over = true;
    // What came before belongs to its receiver.
    if (this.#head !== "") this.#sendStart();
    this.#owner.broken(fault, error);
  }
}
