import type { AbortListener } from "../../base/abort.ts";
import { type OpenBody, setBodyState } from "../../base/body-state.ts";
import { streamOf } from "../../base/bytes.ts";
import type { SocketEvents, StreamSocket } from "../../platform/sockets.ts";
import { UpstreamError } from "../upstream-error.ts";
import type { Call, ConnectionOwner } from "./call.ts";
import { type ChunkRules, Chunks } from "./chunks.ts";
import { findHead, HEAD_BYTES, PartialHead } from "./find-head.ts";
import { type ResponseHead, readHead } from "./response-head.ts";
import { sendBody, type UploadSink } from "./send-body.ts";

/** So many interim answers (RFC 9110 section 15.2) may come before the answer itself. */
const INTERIM_ANSWERS = 32;

/** Buffers from this size on are given back at once, rather than left to the garbage collector. */
const RELEASED_BYTES = 16_384;

const ANSWER_CHUNKS: ChunkRules = {
  trailers: 500,
  padding: true,
  invalid: (what) => new UpstreamError("invalid", `its chunked body ${what}`),
};

/** Which part of an answer comes next. `over`: the connection carries nothing any more. */
type State = "idle" | "head" | "body" | "over";

/**
 * One connection to a pod (RFC 9112): carries a call, reads its answer, and can then carry another. Bodies pass in
 * pieces both ways; the side that is slower slows the other down.
 */
export class Connection implements SocketEvents, AbortListener {
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
  #call: Call | undefined;
  /** The request, its body included, has been handed to the socket. */
  #sent = true;
  /** The body that is on its way. */
  #upload: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** Who waits until the socket takes more. */
  #drained: (() => void) | undefined;
  /** Of a head that has not come whole. */
  #pending: PartialHead | undefined;
  /** Something of the answer came, be it an interim one. */
  #heard = false;
  #head: ResponseHead | undefined;
  /** Its answer has no body, whatever it says (RFC 9112 section 6.3). */
  #bodiless = false;
  /** Interim answers before it. */
  #interim = 0;
  /** The bytes that came last have a buffer of their own. */
  #owned = false;
  /** Bytes that are missing of a body with a length. */
  #left = 0;
  #chunks: Chunks | undefined;
  #output: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** The body that `#output` is the end of, whose owner may ask to be called when it is whole. */
  #open: OpenBody | undefined;
  /** What a reader has that copies it before it asks for more. */
  #recycled: Uint8Array[] = [];
  #paused = false;
  #gone: AbortSignal | undefined;

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
    this.#interim = 0;
    const { body, controller } = call.request;
    controller.target = this;
    this.#sent = body === undefined;
    this.#socket.write(call.head);
    if (body !== undefined) void this.#sendBody(call, body.getReader());
  }

  /** Closes it. Harmless when it is over. */
  close(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#socket.destroy();
    this.#drained?.();
    this.#owner.gone(this);
  }

  async #sendBody(call: Call, body: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const there = (): boolean => this.#call === call && this.#state !== "over";
    const sink: UploadSink = {
      there,
      write: (bytes) => this.#socket.write(bytes),
      drained: () => new Promise((resolve) => (this.#drained = resolve)),
    };
    this.#upload = body;
    try {
      const whole = await sendBody(body, call.framing, sink, call.request.meter);
      if (!whole || !there()) return;
      this.#sent = true;
      this.#upload = undefined;
    } catch (error) {
      if (there()) this.#fail(error);
    }
  }

  drained(): void {
    const waiting = this.#drained;
    this.#drained = undefined;
    waiting?.();
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
    const output = this.#output;
    const untouched =
      this.#used && !this.#heard && !controller.aborted && error instanceof UpstreamError && error.failure === "reset";
    this.#forget(call);
    this.close();
    if (output === undefined) call.reject(error, untouched);
    else output.error(error);
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
    this.#owned = rest.byteLength === rest.buffer.byteLength;
    for (;;) {
      const found = findHead(rest);
      if (found === undefined) {
        if (rest.length > HEAD_BYTES) throw tooLarge();
        this.#pending = new PartialHead(rest);
        return;
      }
      const head = readHead(found.text);
      rest = rest.subarray(found.end);
      // Interim answers (RFC 9110 section 15.2) cannot be passed on as fetch knows answers.
      if (head.status >= 200) {
        this.#begin(head, rest);
        return;
      }
      if (++this.#interim > INTERIM_ANSWERS) throw new UpstreamError("invalid", "it sends interim answers without end");
      if (head.status === 101) {
        this.#switch(head, rest);
        return;
      }
      if (rest.length === 0) return;
    }
  }

  /** The pod speaks another protocol from here on: the connection is its caller's. */
  #switch(head: ResponseHead, rest: Uint8Array): void {
    const call = this.#call!;
    if (call.switched === undefined) throw new UpstreamError("invalid", "it switches protocols unasked");
    this.#socket.pause();
    call.switched(head, this.#socket, rest);
    this.#forget(call);
    this.#state = "over";
    this.#owner.gone(this);
    call.resolve(new Response(null, { status: 101, statusText: head.statusText, headers: head.fields }));
  }

  #begin(head: ResponseHead, rest: Uint8Array): void {
    const call = this.#call!;
    const { status } = head;
    if (status > 599) throw new UpstreamError("invalid", `its status ${status} is none of HTTP's`);
    const bodiless = call.request.method === "HEAD" || status === 204 || status === 304;
    this.#head = head;
    this.#bodiless = bodiless;
    if (bodiless) {
      this.#answer(call, head, null);
      this.#finish(rest.length === 0);
    } else if (head.framing === "chunked") this.#beginChunks(call, head, rest);
    else if (head.framing === "close" || rest.length < head.framing) {
      this.#left = head.framing === "close" ? 0 : head.framing - rest.length;
      this.#stream(call, head, rest.length === 0 ? undefined : rest);
    } else {
      const clean = rest.length === head.framing;
      this.#answer(call, head, clean ? rest : rest.subarray(0, head.framing));
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
    const clean = taken === rest.length;
    this.#answer(call, head, chunks.body ?? new Uint8Array());
    this.#finish(clean);
  }

  /** Answers with a body that is not there yet. */
  #stream(call: Call, head: ResponseHead, first: Uint8Array | undefined): void {
    this.#state = "body";
    if (first !== undefined) this.#recycle(call, first);
    const source: UnderlyingDefaultSource<Uint8Array> = {
      start: (controller) => {
        this.#output = controller;
        if (first !== undefined) controller.enqueue(first);
      },
      // With nothing queued ahead, this is called exactly when a reader waits for a piece.
      pull: () => {
        if (this.#call !== call) return;
        if (this.#recycled.length > 0) for (const bytes of this.#recycled.splice(0)) release(bytes);
        if (!this.#paused) return;
        this.#paused = false;
        this.#socket.resume();
      },
      cancel: () => {
        if (this.#call === call) this.#leave(call);
      },
    };
    const body = new ReadableStream<Uint8Array>(source, { highWaterMark: 0 });
    this.#open = { onEnd: undefined };
    this.#answer(call, head, body);
    this.#gone = call.request.client?.signal;
    if (this.#gone?.aborted) this.onAbort();
    else this.#gone?.addEventListener("abort", this);
  }

  #recycle({ request: { recycles } }: Call, bytes: Uint8Array): void {
    if (recycles && this.#owned && bytes.length >= RELEASED_BYTES) this.#recycled.push(bytes);
  }

  /** The client's signal: it left. */
  handleEvent(): void {
    this.onAbort();
  }

  #answer(
    call: Call,
    { status, statusText, fields, hasType }: ResponseHead,
    body: ReadableStream | Uint8Array | null,
  ): void {
    // A runtime adds a content type to bytes that have none, but not to a stream.
    const sent = hasType || !(body instanceof Uint8Array) || body.length === 0 ? body : streamOf([body]);
    let response: Response;
    try {
      response = new Response(sent as BodyInit | null, { status, statusText, headers: fields });
    } catch (cause) {
      this.#output = undefined;
      throw new UpstreamError("invalid", "a header field of it is not HTTP's", { cause });
    }
    setBodyState(response, body instanceof ReadableStream ? this.#open : "whole");
    // A Response has a copy of its bytes (Fetch standard, "extract a body").
    if (this.#owned && sent instanceof Uint8Array && sent.length >= RELEASED_BYTES) release(sent);
    call.resolve(response);
  }

  #takeBody(bytes: Uint8Array): void {
    const output = this.#output!;
    this.#owned = bytes.byteLength === bytes.buffer.byteLength;
    this.#recycle(this.#call!, bytes);
    const whole =
      this.#chunks === undefined ? this.#takePlain(bytes, output) : this.#takeChunks(bytes, output, this.#chunks);
    if (whole || output.desiredSize! >= 0) return;
    this.#paused = true;
    this.#socket.pause();
  }

  /** True: the answer is whole now. */
  #takeChunks(bytes: Uint8Array, output: ReadableStreamDefaultController<Uint8Array>, chunks: Chunks): boolean {
    const taken = chunks.take(bytes);
    if (chunks.body !== undefined) output.enqueue(chunks.body);
    if (chunks.over) this.#finish(taken === bytes.length);
    return chunks.over;
  }

  #takePlain(bytes: Uint8Array, output: ReadableStreamDefaultController<Uint8Array>): boolean {
    if (this.#head!.framing === "close") {
      output.enqueue(bytes);
      return false;
    }
    const excess = bytes.length - this.#left;
    output.enqueue(excess > 0 ? bytes.subarray(0, this.#left) : bytes);
    this.#left -= bytes.length;
    if (excess >= 0) this.#finish(excess === 0);
    return excess >= 0;
  }

  /** The answer is whole. `clean`: nothing came after it. */
  #finish(clean: boolean): void {
    const call = this.#call!;
    const head = this.#head!;
    const { framing, persistent } = head;
    // A body that was announced where there is none may still come: it must not be taken for the next answer.
    const ends = this.#bodiless ? framing === "close" || framing === 0 : framing !== "close";
    const reusable = clean && persistent && ends && this.#sent;
    const output = this.#output;
    this.#open?.onEnd?.();
    this.#forget(call);
    output?.close();
    if (!reusable) {
      this.close();
      return;
    }
    this.#state = "idle";
    this.#used = true;
    if (this.#paused) {
      this.#paused = false;
      this.#socket.resume();
    }
    this.#owner.free(this, head.idleSeconds, call.keepalive);
  }

  /** The rest of the answer is not wanted. */
  #leave(call: Call): void {
    this.#forget(call);
    this.close();
  }

  #forget(call: Call): void {
    call.request.controller.target = undefined;
    // The rest of the request has nowhere to go: its source must not be read for ever.
    this.#upload?.cancel().catch(() => {});
    this.#upload = undefined;
    this.#gone?.removeEventListener("abort", this);
    this.#gone = undefined;
    this.#call = undefined;
    this.#head = undefined;
    this.#chunks = undefined;
    this.#output = undefined;
    this.#open = undefined;
    if (this.#recycled.length > 0) this.#recycled = [];
    this.#pending = undefined;
  }
}

const tooLarge = (): UpstreamError => new UpstreamError("invalid", "its header fields are larger than 256 KiB");

/** Gives back the memory under bytes that are used up. */
function release({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > 0) buffer.transfer(0);
}
