import type { SocketEvents, StreamSocket } from "../../platform/sockets.ts";
import type { HttpAnswer, InterimAnswer } from "../message.ts";
import type { ProblemCode } from "../problem.ts";
import { RequestBodyError } from "../request-body-error.ts";
import { cancelBody } from "./answer-plan.ts";
import { AnswerSender, type SenderOwner } from "./answer-sender.ts";
import { ClientTunnel, GoneSocket } from "./client-tunnel.ts";
import type { ConnectionPhase, ConnectionTimeout } from "./connection-phase.ts";
import { Inbox } from "./inbox.ts";
import type { RefusedRequest, RequestHead, RequestReader } from "./read-request.ts";
import { type BodyOwner, type RequestBody, UNWANTED_BYTES } from "./request-body.ts";
import type { ServerContext } from "./server-context.ts";
import { type RequestOwner, ServerRequest } from "./server-request.ts";
import { UnwritableHead } from "./write-fields.ts";

/**
 * The connection of a client that speaks HTTP/1 (RFC 9112). Each request is answered before the next one is looked at; when
 * it is in doubt where that begins, it ends. It has no timers: who keeps it looks at `phase` and `since`, and calls `expire`.
 */
export class ServerConnection implements SocketEvents, RequestOwner, BodyOwner, SenderOwner {
  phase: ConnectionPhase = "idle";
  /** Since when it is in this phase, in milliseconds since the epoch. */
  since: number;
  /** The address of its other end. */
  readonly peer: string;
  drains = 0;
  readonly #socket: StreamSocket;
  readonly #context: ServerContext;
  readonly #sender: AnswerSender;
  #reader: RequestReader | undefined = undefined;
  readonly #inbox = new Inbox();
  #request: ServerRequest | undefined = undefined;
  #body: RequestBody | undefined = undefined;
  #draining = false;
  #busy = false;
  #reading = true;
  /** Bytes that were dropped while it lingers, or were there of the body when the rest became unread. */
  #mark = 0;
  #fulfil: ((answer: HttpAnswer) => void) | undefined = undefined;
  #reject: ((error: unknown) => void) | undefined = undefined;

  /** Takes over a socket, and begins to read. */
  constructor(socket: StreamSocket, context: ServerContext) {
    this.#socket = socket;
    this.#context = context;
    this.#sender = new AnswerSender(socket, this);
    this.peer = socket.peer.host;
    this.since = context.options.clock.now();
    socket.listen(this);
    socket.resume();
  }

  /** Bytes that wait for the client to take them. */
  get waiting(): number {
    return this.#socket.waiting;
  }

  /** Bytes that are held for either end. */
  get heldBytes(): number {
    return this.#socket.waiting + (this.#reader?.held ?? 0) + this.#inbox.size + (this.#body?.heldBytes ?? 0);
  }

  /** It is the client's turn to send more of a request's body: that is asked for, and would be read. */
  get awaitsBody(): boolean {
    const body = this.#body;
    return this.phase === "request" && body !== undefined && body.awaited;
  }

  /** Bytes that came of the body of the request under way. */
  get bodyBytes(): number {
    return this.#body?.received ?? 0;
  }

  /** From now on each answer whose head has not left is the last; without a request it closes at once. */
  drain(): void {
    this.#draining = true;
    if (this.phase === "idle") this.#leave();
  }

  /** Closes it at once, whatever is under way. Harmless when it is over. */
  close(): void {
    this.#end(undefined, false);
  }

  /** Its time is up: it does what is due then, if it still is. */
  expire(timeout: ConnectionTimeout): void {
    const { phase } = this;
    if (timeout === "head" && phase === "head") {
      this.#refuse("request_timeout", "The head of the request took too long to arrive");
    } else if (timeout === "keep_alive" && phase === "idle") this.#leave();
    else if (timeout === "body" && this.awaitsBody) {
      this.#breakBody(new RequestBodyError("stalled", "The request body comes too slowly"), "request_timeout");
    } else if (timeout === "write") this.#end(undefined, true);
    else if (timeout === "linger" && phase === "unread") this.#linger();
    // What the client still takes is its to have: `write` ends that.
    else if (timeout === "linger" && phase === "lingering" && this.#socket.waiting === 0) this.close();
  }

  data(bytes: Uint8Array): void {
    this.#inbox.add(bytes);
    this.#advance();
  }

  /** Outside tunnels a client that sends no more is gone, as far as its request goes. */
  ended(): void {
    if (this.phase === "idle") this.#leave();
    // Once the rest has left, the socket closes by itself.
    else if (this.phase !== "lingering" || this.#socket.waiting === 0) this.close();
  }

  closed(cause: Error | undefined): void {
    this.#end(cause, false);
  }

  drained(): void {
    this.drains++;
    this.#sender.drained();
  }

  /** Reads or not, as far as there is room for what comes. */
  flow(): void {
    if (this.#busy || this.phase === "tunnel" || this.phase === "over") return;
    const reading = this.#hasRoom();
    if (reading === this.#reading) return;
    this.#reading = reading;
    if (reading) this.#socket.resume();
    else this.#socket.pause();
  }

  sendInterim(request: ServerRequest, answer: InterimAnswer): void {
    if (request !== this.#request || this.#sender.answering || request.minor === 0) return;
    if (this.#sender.sendInterim(answer) && answer.status === 100 && this.#body !== undefined) {
      this.#body.expected = true;
    }
  }

  broke(silent: boolean): void {
    if (silent) this.#end(undefined, true);
    else this.#linger();
  }

  #hasRoom(): boolean {
    if (this.phase === "lingering") return this.#mark < UNWANTED_BYTES;
    const body = this.#body;
    if (body !== undefined && !body.whole) return !body.full;
    return this.#inbox.size < UNWANTED_BYTES;
  }

  /** Looks at what came, as far as it goes. */
  #advance(): void {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#inbox.next !== undefined && this.#step(this.#inbox.next));
    this.#busy = false;
    this.#inbox.hold();
    this.flow();
  }

  /** False: what is left of it has to wait. */
  #step(input: Uint8Array): boolean {
    switch (this.phase) {
      case "idle":
      case "head":
        this.#readHead(input);
        return true;
      case "request":
      case "unread":
        return this.#readBody(input);
      default:
        this.#mark += input.length;
        this.#inbox.next = undefined;
        return true;
    }
  }

  #readHead(input: Uint8Array): void {
    const reader = this.#reader ?? this.#context.takeReader();
    const head = reader.read(input);
    this.#inbox.next = undefined;
    if (head === undefined) {
      this.#reader = reader;
      if (this.phase === "idle" && reader.begun) this.#enter("head");
      return;
    }
    this.#reader = undefined;
    if (head.problem !== undefined) {
      this.#refuse(head.problem, head.detail, head);
      return;
    }
    if (reader.rest.length > 0) this.#inbox.next = reader.rest;
    this.#context.giveReader(reader);
    this.#begin(head);
  }

  #begin(head: RequestHead): void {
    this.#enter("request");
    this.#sender.reset();
    const body = this.#context.bodyOf(head, this);
    this.#body = body;
    const request = new ServerRequest(head, body ?? null, this);
    this.#request = request;
    // What came of the body is there when its handler asks for it.
    if (body !== undefined && this.#inbox.next !== undefined) this.#readBody(this.#inbox.next);
    if (this.#request !== request) return;
    try {
      const answer = this.#context.options.handler(request, this.peer);
      if (answer instanceof Promise) {
        // One pair of functions for all requests of a connection: only one of them is under way at any time.
        this.#fulfil ??= (found) => this.#respond(found);
        this.#reject ??= (error) => this.#fail(error);
        answer.then(this.#fulfil, this.#reject);
      } else this.#respond(answer);
    } catch (error) {
      this.#fail(error);
    }
  }

  #readBody(input: Uint8Array): boolean {
    const body = this.#body;
    if (body === undefined || body.whole) return false;
    this.#inbox.next = undefined;
    try {
      const taken = body.take(input);
      if (taken < input.length) this.#inbox.next = input.subarray(taken);
    } catch (error) {
      const failure =
        error instanceof RequestBodyError ? error : new RequestBodyError("refused", "The body broke", { cause: error });
      this.#breakBody(failure, "bad_request");
      return true;
    }
    if (this.phase !== "unread" || this.#body !== body) return true;
    if (body.whole) this.#next();
    else if (body.received - this.#mark > UNWANTED_BYTES) this.#linger();
    return true;
  }

  /** The body of the request under way is not to be had. */
  #breakBody(failure: RequestBodyError, problem: ProblemCode): void {
    const request = this.#request;
    this.#body?.fail(failure);
    request?.giveUp();
    // Its end may have been the answer's as well.
    if (request !== this.#request) return;
    if (request !== undefined && !this.#sender.answering) this.#refuse(problem, failure.message);
    else {
      this.#sender.cancel(failure);
      this.#linger();
    }
  }

  /** Answers with a problem, and ends the connection with that. `refused`: what could not be read. */
  #refuse(problem: ProblemCode, detail: string, refused?: RefusedRequest): void {
    const request = this.#request;
    const { options } = this.#context;
    const { method = request?.method ?? "", target = request?.url ?? "", status } = refused ?? {};
    this.#enter("request");
    this.#request = undefined;
    this.#sender.reset();
    this.#sender.last = true;
    try {
      const answer = options.refuse({ problem, status, detail, peer: this.peer, method, target, request });
      this.#write(answer, method === "HEAD");
    } catch (error) {
      options.failed(error, request);
      this.close();
    }
  }

  /** The handler's answer came. */
  #respond(answer: HttpAnswer): void {
    const request = this.#request;
    // It may have been answered in the handler's stead.
    if (request === undefined || this.#sender.answering) {
      this.#discard(answer);
      return;
    }
    try {
      if (answer.status < 200) this.#switch(answer);
      else this.#write(answer, request.method === "HEAD");
    } catch (error) {
      this.#discard(answer);
      this.#fail(error);
    }
  }

  /** There is no answer of the handler that could be sent. */
  #fail(error: unknown): void {
    const request = this.#request;
    const answer = this.#context.options.failed(error, request);
    if (request === undefined) return;
    try {
      if (this.#sender.answering) this.close();
      else this.#write(answer, request.method === "HEAD");
    } catch {
      // There is no other answer.
      this.close();
    }
  }

  #write(answer: HttpAnswer, isHead: boolean): void {
    const request = this.#request;
    const body = this.#body;
    if (request?.persistent !== true || this.#draining || this.#speaksAhead()) this.#sender.last = true;
    // One that comes back as the answer will be read.
    else if (body !== undefined && answer.body !== body && !body.skippable) this.#sender.last = true;
    this.#sender.send(answer, { minor: request?.minor ?? 1, isHead }, this.#context.options.clock);
  }

  /** The client, which asked for another protocol, sent more: who knows in which one. */
  #speaksAhead(): boolean {
    return this.#request?.upgrades === true && this.#inbox.filled;
  }

  /** Goes over to another protocol (RFC 9110 section 7.8): the connection is that one's. */
  #switch(answer: HttpAnswer): void {
    const { tunnel } = answer;
    const asked = this.#request?.upgrades === true && (this.#body === undefined || this.#body.whole);
    if (!asked || tunnel === undefined) throw new UnwritableHead("it changes to a protocol that was not asked for");
    this.#sender.sendSwitch(answer);
    this.#socket.pause();
    const rest = this.#inbox.empty();
    this.#enter("tunnel");
    this.#forget();
    tunnel(new ClientTunnel(this.#socket, () => this.#end(undefined, false)), rest);
  }

  /** The whole answer was taken. */
  sent(): void {
    const body = this.#body;
    const ends = this.#sender.last || this.#speaksAhead();
    this.#request = undefined;
    if (ends) this.#linger();
    else if (body === undefined || body.whole) this.#next();
    else if (!body.skippable) this.#linger();
    else {
      this.#enter("unread");
      this.#mark = body.received;
      if (!body.wanted) body.cancel();
    }
    this.#advance();
  }

  /** The next request may come. */
  #next(): void {
    this.#body = undefined;
    this.#enter("idle");
    this.#inbox.release();
    if (this.#draining && !this.#inbox.filled) this.#leave();
  }

  /** Closes it between requests. */
  #leave(): void {
    if (this.#socket.waiting > 0) this.#linger();
    else this.close();
  }

  /** No more is sent. The client reads its answer before it meets a closed connection (RFC 9112 section 9.6). */
  #linger(): void {
    const body = this.#body;
    this.#enter("lingering");
    this.#forget();
    this.#mark = 0;
    this.#socket.end();
    if (body?.whole === false) body.fail(new RequestBodyError("answered", "The request has been answered"));
    this.flow();
  }

  #end(cause: Error | undefined, resets: boolean): void {
    if (this.phase === "over") return;
    const request = this.#request;
    const body = this.#body;
    this.#enter("over");
    this.#forget();
    if (resets) this.#socket.reset();
    else this.#socket.destroy();
    request?.giveUp();
    const gone = new RequestBodyError("client_gone", "The client left", { cause });
    body?.fail(gone);
    this.#sender.cancel(gone);
    this.#context.options.closed(this);
  }

  /** An answer that is not sent. */
  #discard({ body, tunnel }: HttpAnswer): void {
    cancelBody(body);
    if (this.phase !== "tunnel") tunnel?.(new GoneSocket(this.#socket), new Uint8Array());
  }

  #enter(phase: ConnectionPhase): void {
    const { load } = this.#context.options;
    if (load !== undefined) load.requests += Number(phase === "request") - Number(this.phase === "request");
    this.phase = phase;
    this.since = this.#context.options.clock.now();
  }

  #forget(): void {
    this.#inbox.empty();
    this.#request = this.#body = this.#reader = undefined;
  }
}
