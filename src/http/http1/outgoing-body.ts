import type { StreamSocket } from "../../platform/sockets.ts";
import type { BodySink, BodySource } from "../body.ts";
import type { Fields } from "../header-fields.ts";
import { UpstreamError } from "../upstream-error.ts";
import { type Framing, uploadTrailers } from "./request-head.ts";

/** The connection that a request leaves on. */
export interface OutgoingBodyOwner {
  /** All of the body was handed to the socket. */
  sent(): void;
  /** It cannot be finished: the connection's other end would take what follows for more of it. */
  unsendable(error: UpstreamError): void;
}

/** No pod is to blame for what is wrong with a request. */
const refused = (message: string, cause?: unknown): UpstreamError => new UpstreamError("refused", message, { cause });

/**
 * Sends a request with a body as its head said it would be framed, no faster than its pod reads. What is there of the body at
 * once leaves with the head. A body that breaks, or is longer or shorter than the head said, is never sent as whole.
 */
export class OutgoingBody implements BodySink {
  readonly #owner: OutgoingBodyOwner;
  readonly #socket: StreamSocket;
  readonly #source: BodySource;
  readonly #framing: Framing;
  /** Bytes that are missing, of a body with a length. */
  #left: number;
  /** Has not left yet. */
  #head: string;
  #starting = false;
  #first: Uint8Array | undefined = undefined;
  #clogged = false;
  #over = false;

  constructor(owner: OutgoingBodyOwner, socket: StreamSocket, source: BodySource, head: string, framing: Framing) {
    this.#owner = owner;
    this.#socket = socket;
    this.#source = source;
    this.#head = head;
    this.#framing = framing;
    this.#left = typeof framing === "number" ? framing : Number.POSITIVE_INFINITY;
  }

  /** Sends the head, and of the body what comes. */
  start(): void {
    this.#starting = true;
    this.#source.pipe(this);
    this.#starting = false;
    if (this.#over || this.#head === "") return;
    this.#sendStart("");
    if (this.#clogged) this.#source.pause();
  }

  data(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#left -= bytes.length;
    if (this.#left < 0) {
      const error = refused(`The request body is longer than its Content-Length of ${this.#framing}`);
      this.cancel(error);
      this.#owner.unsendable(error);
      return;
    }
    if (this.#head !== "") {
      if (this.#starting && this.#first === undefined) {
        this.#first = bytes;
        return;
      }
      this.#sendStart("");
    }
    if (this.#framing === "chunked") this.#send(`${bytes.length.toString(16)}\r\n`, bytes, "\r\n");
    else this.#send("", bytes, "");
    if (this.#clogged) this.#source.pause();
  }

  end(trailers: Fields | undefined): void {
    if (this.#over) return;
    this.#over = true;
    if (typeof this.#framing === "number" && this.#left > 0) {
      this.#owner.unsendable(refused(`The request body is shorter than its Content-Length of ${this.#framing}`));
      return;
    }
    const last = this.#framing === "chunked" ? `0\r\n${uploadTrailers(trailers)}\r\n` : "";
    if (this.#head !== "") this.#sendStart(last);
    else if (last !== "") this.#socket.write(last);
    this.#owner.sent();
  }

  fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.unsendable(error instanceof UpstreamError ? error : refused("The request body broke off", error));
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
  #sendStart(last: string): void {
    const head = this.#head;
    const first = this.#first;
    this.#head = "";
    this.#first = undefined;
    if (first === undefined) this.#clogged = !this.#socket.write(head + last);
    else if (this.#framing !== "chunked") this.#send(head, first, last);
    else this.#send(`${head}${first.length.toString(16)}\r\n`, first, `\r\n${last}`);
  }

  #send(before: string, bytes: Uint8Array, after: string): void {
    const more =
      before === "" && after === "" ? this.#socket.write(bytes) : this.#socket.writeFramed(before, bytes, after);
    if (!more) this.#clogged = true;
  }
}
