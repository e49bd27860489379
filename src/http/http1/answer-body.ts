import type { StreamSocket } from "../../platform/sockets.ts";
import type { BodySink, BodySource } from "../body.ts";
import type { Fields } from "../header-fields.ts";
import { trailerLines } from "./answer-head.ts";

/** The connection that an answer leaves on. */
export interface AnswerOwner {
  /** The whole answer was handed to the socket. `more`: it takes more. */
  answered(more: boolean): void;
  /** The answer cannot be finished. `silent`: an end of the connection would look like its own. */
  broken(silent: boolean): void;
}

/** Of an answer whose body comes in chunks. */
export const CHUNKED = -1;
/** Of an answer whose body ends with the connection. */
export const UNTIL_CLOSE = -2;

/**
 * Sends an answer whose body is on its way: no faster than its client reads, and never as whole what is not. What is there at
 * once leaves with the head.
 */
export class AnswerBody implements BodySink {
  readonly #owner: AnswerOwner;
  readonly #socket: StreamSocket;
  readonly #source: BodySource;
  readonly #framing: number;
  /** Bytes that are missing, of a body with a length. */
  #left: number;
  /** Has not left yet. */
  #head: string;
  #first: Uint8Array | undefined = undefined;
  #starting = false;
  #clogged = false;
  #over = false;

  /** `framing`: the length, `CHUNKED` or `UNTIL_CLOSE`. */
  constructor(owner: AnswerOwner, socket: StreamSocket, source: BodySource, head: string, framing: number) {
    this.#owner = owner;
    this.#socket = socket;
    this.#source = source;
    this.#framing = framing;
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
      this.#break();
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
      this.#break();
      return;
    }
    this.#over = true;
    const last = this.#framing === CHUNKED ? `0\r\n${trailerLines(trailers)}\r\n` : "";
    if (this.#head !== "") this.#sendStart(last);
    else if (last !== "") this.#clogged = !this.#socket.write(last) || this.#clogged;
    this.#owner.answered(!this.#clogged);
  }

  fail(): void {
    if (!this.#over) this.#break();
  }

  /** The socket takes more. */
  drained(): void {
    if (!this.#clogged) return;
    this.#clogged = false;
    this.#source.resume();
  }

  /** It is not wanted any more. */
  cancel(reason: unknown): void {
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

  #break(): void {
    this.#over = true;
    // What came before belongs to its receiver.
    if (this.#head !== "") this.#sendStart();
    this.#owner.broken(this.#framing === UNTIL_CLOSE);
  }
}
