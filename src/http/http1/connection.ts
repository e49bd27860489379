import type { AbortListener } from "../../base/abort.ts";
import type { SocketEvents, StreamSocket } from "../../platform/sockets.ts";
import type { Body } from "../body.ts";
import { sourceOf } from "../fetch/body.ts";
import type { GoneSignal } from "../message.ts";
import { UpstreamError } from "../upstream-error.ts";
import { type BodyFault, BodySender, type BodySenderOwner, CHUNKED } from "./body-sender.ts";
import type { Call, ConnectionOwner } from "./call.ts";
import { type ChunkRules, Chunks } from "./chunks.ts";
import { findHead, HEAD_BYTES, PartialHead } from "./find-head.ts";
import { type BodyOrigin, IncomingBody } from "./incoming-body.ts";
import { uploadTrailers } from "./request-head.ts";
import { ANSWER_FIELDS, type ResponseHead, readHead } from "./response-head.ts";

/** So many interim answers (RFC 9110 section 15.2) may come before the answer itself. */
const INTERIM_ANSWERS = 32;

const invalid = (what: string): UpstreamError => new UpstreamError("invalid", what);

const ANSWER_CHUNKS: ChunkRules = {
  trailers: ANSWER_FIELDS,
  padding: true,
  invalid: (what) => invalid(`its chunked body ${what}`),
};

const NOTHING = new Uint8Array();

/** Which part of an answer comes next. `over`: the connection carries nothing any more. */
type State = "idle" | "head" | "body" | "over";

/**
 * One connection to a pod (RFC 9112): carries a call, reads its answer, and can then carry another. Bodies pass in
 * pieces both ways; the side that is slower slows the other down.
 */
export class Connection implements SocketEvents, AbortListener, BodyOrigin, BodySenderOwner {
  /** Since when it waits for a call, and until when it may: set by its owner, in milliseconds since the epoch. */
  since = 0;
  expires = 0;
  /** When it was made, and by which share of its bounds it is used: set by its owner. */
  made = 0;
  span = 1;
  /** Requests it was given. */
  carried = 0;
  readonly #socket: StreamSocket;
  readonly #owner: ConnectionOwner;
  #state: State = "idle";
  #used = false;
  #call: Call | undefined = undefined;
  /** The request, its body included, has been handed to the socket. */
  #sent = true;
  /** The body that is on its way. */
  #upload: BodySender | undefined = undefined;
  /** Of a head that has not come whole. */
  #pending: PartialHead | undefined = undefined;
  /** Something of the answer came, be it an interim one. */
  #heard = false;
  /** The body was asked for by an interim answer. */
  #continued = false;
  #head: ResponseHead | undefined = undefined;
  /** Its answer has no body, whatever it says (RFC 9112 section 6.3). */
  #bodiless = false;
  /** Interim answers before it. */
  #interim = 0;
  /** Bytes that are missing of a body with a length. */
  #left = 0;
  #chunks: Chunks | undefined = undefined;
  /** The answer's body, while it comes. */
  #body: IncomingBody | undefined = undefined;
  #paused = false;
  #gone: GoneSignal | undefined = undefined;

  constructor(socket: StreamSocket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    socket.listen(this);
    socket.resume();
  }

  /** Carries a call. Only where it is new, or its owner got it by `free`. */
  send(call: Call): void {
    this.#call = call;
    this.carried++;
    this.#state = "head";
    this.#heard = false;
    this.#continued = false;
    this.#interim = 0;
    const { body, controller } = call.request;
    controller.target = this;
    this.#sent = body === undefined;
    if (body === undefined) {
      this.#socket.write(call.head);
      return;
    }
    const source = "getReader" in body ? sourceOf(body) : body;
    const framing = typeof call.framing === "number" ? call.framing : CHUNKED;
    this.#upload = new BodySender(this, this.#socket, source, call.head, framing, uploadTrailers);
    this.#upload.start();
  }

  /** Closes it. Harmless when it is over. */
  close(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#socket.destroy();
    this.#owner.gone(this);
  }

  handedOver(): void {
    this.#sent = true;
    this.#upload = undefined;
  }

  broken(fault: BodyFault, error: unknown): void {
    this.#upload = undefined;
    this.#fail(error instanceof UpstreamError ? error : unsendable(fault, error));
  }

  drained(): void {
    this.#upload?.drained();
  }

  data(bytes: Uint8Array): void {
    try {
      if (this.#state === "body") this.#takeBody(bytes);
      else if (this.#state === "head") this.#takeHead(bytes);
      // What comes without a request could be taken for the next answer.
      else this.close();
    } catch (error) {
      this.#fail(error);
    }
  }

  ended(): void {
    if (this.#state === "body" && this.#head!.framing === "close") this.#finish(false);
    this.#lost(undefined);
  }

  closed(cause: Error | undefined): void {
    if (this.#state === "body" && this.#head!.framing === "close" && cause === undefined) this.#finish(false);
    this.#lost(cause);
  }

  onAbort(): void {
    this.#fail(this.#call?.request.controller.reason);
  }

  /** The client's signal: it left. */
  handleEvent(): void {
    this.onAbort();
  }

  hold(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  flow(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  leave(): void {
    if (this.#call !== undefined) this.#forget(this.#call);
    this.close();
  }

  #lost(cause: Error | undefined): void {
    if (this.#call === undefined) {
      this.close();
      return;
    }
    const when = this.#state === "head" ? "before its answer" : "in the middle of its answer";
    this.#fail(new UpstreamError("reset", `The pod closed the connection ${when}`, { cause }));
  }

  /** Ends the call with an error, and the connection with it. */
  #fail(error: unknown): void {
    const call = this.#call;
    if (call === undefined || this.#state === "over") return;
    const { controller } = call.request;
    const body = this.#body;
    const untouched =
      this.#used && !this.#heard && !controller.aborted && error instanceof UpstreamError && error.failure === "reset";
    this.#forget(call);
    this.close();
    if (body === undefined) call.fail(error, untouched);
    else body.break(error);
  }

  #takeHead(bytes: Uint8Array): void {
    this.#heard = true;
    let rest = bytes;
    if (this.#pending !== undefined) {
      const whole = this.#pending.add(bytes);
      if (this.#pending.size > HEAD_BYTES && whole === undefined) throw tooLarge();
      if (whole === undefined) return;
      this.#pending = undefined;
      rest = whole;
    }
    for (;;) {
      const found = findHead(rest);
      if (found === undefined) {
        if (rest.length > HEAD_BYTES) throw tooLarge();
        this.#pending = new PartialHead(rest);
        return;
      }
      const head = readHead(found.text, rest);
      rest = rest.subarray(found.end);
      if (head.status >= 200) {
        this.#begin(head, rest);
        return;
      }
      if (++this.#interim > INTERIM_ANSWERS) throw invalid("it sends interim answers without end");
      if (head.status === 101) {
        this.#switch(head, rest);
        return;
      }
      this.#passInterim(head);
      // Its taker may have given the request up.
      if (rest.length === 0 || this.#state !== "head") return;
    }
  }

  #passInterim({ status, statusText, fields }: ResponseHead): void {
    if (status === 100) this.#continued = true;
    this.#call!.request.interim?.({ status, statusText, headers: fields });
  }

  /** The pod speaks another protocol from here on: the connection is its caller's. */
  #switch(head: ResponseHead, rest: Uint8Array): void {
    const call = this.#call!;
    if (call.upgrader === undefined) throw invalid("it switches protocols unasked");
    this.#socket.pause();
    const tunnel = call.upgrader.switched(head, this.#socket, rest);
    this.#forget(call);
    this.#state = "over";
    this.#owner.gone(this);
    call.resolve({ status: 101, statusText: head.statusText, headers: head.fields, body: null, tunnel });
  }

  #begin(head: ResponseHead, rest: Uint8Array): void {
    const call = this.#call!;
    const { status, framing } = head;
    if (status > 599) throw invalid(`its status ${status} is none of HTTP's`);
    const bodiless = call.request.method === "HEAD" || status === 204 || status === 304;
    this.#head = head;
    this.#bodiless = bodiless;
    if (bodiless) {
      answer(call, head, null);
      this.#finish(rest.length === 0);
    } else if (framing === "chunked") this.#beginChunks(call, head, rest);
    else if (framing === "close" || rest.length < framing) {
      this.#left = framing === "close" ? 0 : framing - rest.length;
      this.#stream(call, head, rest.length === 0 ? undefined : rest);
    } else {
      const clean = rest.length === framing;
      answer(call, head, clean ? rest : rest.subarray(0, framing));
      this.#finish(clean);
    }
  }

  #beginChunks(call: Call, head: ResponseHead, rest: Uint8Array): void {
    const chunks = new Chunks(ANSWER_CHUNKS);
    this.#chunks = chunks;
    const taken = chunks.take(rest);
    if (!chunks.over) {
      this.#stream(call, head, chunks.body);
      return;
    }
    if (chunks.trailers === undefined) answer(call, head, chunks.body ?? NOTHING);
    else this.#stream(call, head, chunks.body);
    this.#finish(taken === rest.length);
  }

  /** Answers with a body that is not there yet. */
  #stream(call: Call, head: ResponseHead, first: Uint8Array | undefined): void {
    this.#state = "body";
    const { framing } = head;
    this.#body = new IncomingBody(this, typeof framing === "number" ? framing : undefined, first);
    answer(call, head, this.#body);
    this.#gone = call.request.client?.signal;
    if (this.#gone?.aborted) this.onAbort();
    else this.#gone?.addEventListener("abort", this);
  }

  #takeBody(bytes: Uint8Array): void {
    const body = this.#body!;
    const chunks = this.#chunks;
    if (chunks !== undefined) {
      const taken = chunks.take(bytes);
      if (chunks.body !== undefined) body.take(chunks.body);
      // Who took the piece may have left.
      if (chunks.over && this.#body === body) this.#finish(taken === bytes.length);
      return;
    }
    if (this.#head!.framing === "close") {
      body.take(bytes);
      return;
    }
    const excess = bytes.length - this.#left;
    const piece = excess > 0 ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= bytes.length;
    body.take(piece);
    if (excess >= 0 && this.#body === body) this.#finish(excess === 0);
  }

  /** The answer is whole. `clean`: nothing came after it. */
  #finish(clean: boolean): void {
    const call = this.#call;
    // It may have been given up as its answer was handed over.
    if (call === undefined) return;
    const { framing, persistent, idleSeconds } = this.#head!;
    // A body that was announced where there is none may still come: it must not be taken for the next answer.
    const ends = this.#bodiless ? framing === "close" || framing === 0 : framing !== "close";
    // Where the body was not asked for, it may come or not.
    const settled = this.#continued || call.request.expectsContinue !== true;
    const reusable = clean && persistent && ends && this.#sent && settled;
    const body = this.#body;
    const trailers = this.#chunks?.trailers;
    this.#forget(call);
    if (reusable) {
      this.#state = "idle";
      this.#used = true;
      this.flow();
      this.#owner.free(this, idleSeconds, call.keepalive);
    } else this.close();
    body?.complete(trailers);
  }

  #forget(call: Call): void {
    call.request.controller.target = undefined;
    // The rest of the request has nowhere to go: its source must not be read for ever.
    this.#upload?.cancel();
    this.#upload = undefined;
    this.#gone?.removeEventListener("abort", this);
    this.#gone = undefined;
    this.#call = undefined;
    this.#head = undefined;
    this.#chunks = undefined;
    this.#body = undefined;
    this.#pending = undefined;
  }
}

const answer = (call: Call, { status, statusText, fields }: ResponseHead, body: Body): void =>
  call.resolve({ status, statusText, headers: fields, body, tunnel: undefined });

/** No pod is to blame for what is wrong with a request. */
function unsendable(fault: BodyFault, cause: unknown): UpstreamError {
  const words = fault === "broke" ? "broke off" : `is ${fault} than its Content-Length`;
  return new UpstreamError("refused", `The request body ${words}`, { cause });
}

const tooLarge = (): UpstreamError => invalid("its header fields are larger than 256 KiB");
