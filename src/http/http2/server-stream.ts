import { ClientGone } from "../client-gone.ts";
import type { Fields } from "../header-fields.ts";
import { cancelBody } from "../http1/answer-plan.ts";
import { GoneSocket } from "../http1/client-tunnel.ts";
import type { RefusedRequest } from "../http1/read-request.ts";
import type { Refusal } from "../http1/server-context.ts";
import type { ClientRequest, GoneSignal, HttpAnswer, InterimAnswer } from "../message.ts";
import { RequestBodyError } from "../request-body-error.ts";
import { writeAnswer, writeInterim, writeTunnelHead } from "./answer.ts";
import { H2_ERROR, Http2StreamError } from "./errors.ts";
import type { FieldLine } from "./field-line.ts";
import { type Http2RequestHead, readTrailerFields } from "./request-fields.ts";
import type { Http2ServerConnection } from "./server-connection.ts";
import { Http2Stream } from "./stream.ts";
import { StreamReceiver } from "./stream-receiver.ts";
import { StreamTunnel } from "./stream-tunnel.ts";

const NOTHING: Uint8Array = new Uint8Array();

/** What a stream may wait for: nothing, its client's window, or its client's body. */
const WAITS = { none: 0, window: 1, body: 2 } as const;

/** A stream that a client opened, and the request on it. */
export class ServerStream extends Http2Stream implements ClientRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Fields;
  readonly authority: string | undefined;
  readonly expectsContinue: boolean;
  /** `FIELD` kinds of all its fields (src/http/fields.ts). */
  readonly kinds: number;
  readonly #connection: Http2ServerConnection;
  readonly #webSocket: boolean;
  /** The head of the answer was written. */
  answering = false;
  /** What it is reset with once it is answered. */
  #refusedWith: number = H2_ERROR.noError;
  #tunnel: StreamTunnel | undefined = undefined;
  #signal: ClientGone | undefined = undefined;
  #givenUp = false;
  /** What it waited for at the last look, since when, and how many bytes had passed then. */
  #waits: number = WAITS.none;
  #since = 0;
  #bytes = 0;

  constructor(connection: Http2ServerConnection, id: number, head: Http2RequestHead, endStream: boolean) {
    super(connection, id);
    this.#connection = connection;
    this.method = head.method;
    this.url = head.path;
    this.headers = head.fields;
    this.authority = head.authority;
    this.expectsContinue = head.expectsContinue;
    this.kinds = head.kinds;
    this.#webSocket = head.webSocket;
    this.remoteEnded = endStream;
    if (!endStream) this.receiver = new StreamReceiver(connection, id, head.length);
  }

  get body(): StreamReceiver | null {
    return this.#webSocket ? null : (this.receiver ?? null);
  }

  get signal(): GoneSignal {
    this.#signal ??= new ClientGone(this.#givenUp);
    return this.#signal;
  }

  interim(answer: InterimAnswer): void {
    if (this.closed || this.answering) return;
    writeInterim(this.#connection, this.id, answer);
  }

  /** Has the request answered. */
  begin(): void {
    const connection = this.#connection;
    try {
      const answer = connection.options.handler(this, connection.peer);
      if (!(answer instanceof Promise)) {
        this.#respond(answer);
        return;
      }
      connection.unanswered++;
      answer.then(
        (found) => {
          connection.unanswered--;
          this.#respond(found);
        },
        (error) => {
          connection.unanswered--;
          this.#fail(error);
        },
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Answers a request that is refused, and never reaches its handler. */
  answerRefused(refused: RefusedRequest): void {
    // What is in doubt is malformed as well (RFC 9113 section 8.1.1): its stream is reset behind the answer.
    if (refused.problem === "bad_request") this.#refusedWith = H2_ERROR.protocol;
    const { problem, status, detail, method, target } = refused;
    this.#refuse({ problem, status, detail, peer: this.#connection.peer, method, target, request: undefined });
  }

  /** Its body comes too slowly: it is answered in the handler's stead. */
  stall(): void {
    // A call's messages come when they come.
    if (this.headers.get("content-type")?.startsWith("application/grpc")) return;
    const detail = "The request body comes too slowly";
    const { method, url: target } = this;
    this.#giveUp(new RequestBodyError("stalled", detail));
    if (this.closed) return;
    if (this.answering) this.#reset(H2_ERROR.cancel);
    else {
      const { peer } = this.#connection;
      this.#refuse({ problem: "request_timeout", status: undefined, detail, peer, method, target, request: this });
    }
  }

  #refuse(refusal: Refusal): void {
    const { options } = this.#connection;
    try {
      writeAnswer(this.#connection, this, options.refuse(refusal), refusal.method === "HEAD");
    } catch (error) {
      options.failed(error, refusal.request);
      this.#reset(H2_ERROR.internal);
    }
  }

  onFields(lines: readonly FieldLine[], complete: boolean, endStream: boolean): void {
    const trailers = endStream && complete && !this.#webSocket ? readTrailerFields(lines) : undefined;
    if (trailers === undefined || this.receiver === undefined) {
      this.#malformed("the fields behind the body are malformed");
      return;
    }
    this.remoteEnded = true;
    if (this.receiver.finish(trailers.size > 0 ? trailers : undefined) !== 0) {
      this.#malformed("the body does not have the length that was said");
    } else if (this.localEnded) this.session.finish(this);
  }

  /** Ends it if its client has kept it waiting for too long. Called now and then. */
  look(now: number): void {
    const { limits } = this.#connection.options;
    const { sender, receiver } = this;
    const waits =
      sender.stalled && !this.#connection.clogged ? WAITS.window : this.awaitsBody ? WAITS.body : WAITS.none;
    const bytes = waits === WAITS.window ? sender.sentBytes : (receiver?.received ?? 0);
    const progress = bytes - this.#bytes;
    if (waits !== this.#waits || waits === WAITS.none || (waits === WAITS.window && progress > 0)) {
      this.#waits = waits;
    } else if (waits === WAITS.window) {
      if (limits.write_stall > 0 && now - this.#since >= limits.write_stall) this.#reset(H2_ERROR.cancel);
      return;
    } else if (now - this.#since < limits.body_window) {
      return;
    } else if (progress < (limits.body_rate * limits.body_window) / 1000) {
      this.stall();
      return;
    }
    this.#bytes = bytes;
    this.#since = now;
  }

  /** It is the client's turn to send more of the body. */
  get awaitsBody(): boolean {
    const { receiver } = this;
    if (receiver === undefined || !receiver.ready || this.#tunnel !== undefined) return false;
    // Until it gets an interim answer, it may wait itself.
    return !(this.expectsContinue && receiver.received === 0);
  }

  onGone(error: Error): void {
    // What was answered whole was not given up, even if the rest of it was not wanted.
    if (this.localEnded) this.receiver?.fail(answered(error));
    else this.#giveUp(new RequestBodyError("client_gone", "The client left", { cause: error }));
    this.#tunnel?.onClosed(error);
  }

  onClosed(): void {
    if (this.receiver?.over === false) this.receiver.fail(answered());
    this.#tunnel?.onClosed(undefined);
    this.#connection.countAnswer();
    if (this.#refusedWith !== H2_ERROR.noError) this.#connection.writer.rstStream(this.id, this.#refusedWith);
  }

  onAnswered(): void {
    if (this.#tunnel !== undefined) return;
    // The rest of the request is not wanted (RFC 9113 section 8.1).
    this.#connection.countAnswer();
    this.session.resetStream(this, this.#refusedWith, answered());
  }

  sourceFailed(): void {
    this.#reset(H2_ERROR.internal);
  }

  override drained(): void {
    this.#tunnel?.onDrained();
  }

  #giveUp(error: RequestBodyError): void {
    if (this.#givenUp) return;
    this.#givenUp = true;
    this.#signal?.abort();
    this.receiver?.fail(error);
  }

  #reset(code: number): void {
    this.session.resetStream(this, code, new Http2StreamError(code, "the answer broke off"));
  }

  #malformed(what: string): void {
    this.#connection.malformed(this, what);
  }

  #respond(answer: HttpAnswer): void {
    if (this.closed || this.answering) {
      this.#discard(answer);
      return;
    }
    try {
      if (answer.status === 101) this.#switch(answer);
      else this.#write(answer);
    } catch (error) {
      this.#discard(answer);
      this.#fail(error);
    }
  }

  /** There is no answer of the handler that could be sent. */
  #fail(error: unknown): void {
    const answer = this.#connection.options.failed(error, this);
    if (this.closed) return;
    try {
      if (this.answering) this.#reset(H2_ERROR.internal);
      else this.#write(answer);
    } catch {
      this.#reset(H2_ERROR.internal);
    }
  }

  #write(answer: HttpAnswer): void {
    writeAnswer(this.#connection, this, answer, this.method === "HEAD");
  }

  /** The stream becomes a tunnel. */
  #switch(answer: HttpAnswer): void {
    const { tunnel } = answer;
    if (!this.#webSocket || tunnel === undefined) throw new Error("the status 101 is no answer to the request");
    writeTunnelHead(this.#connection, this, answer.headers);
    this.#tunnel = new StreamTunnel(this.#connection, this);
    tunnel(this.#tunnel, NOTHING);
  }

  /** An answer that comes too late. */
  #discard({ body, tunnel }: HttpAnswer): void {
    cancelBody(body);
    if (tunnel !== undefined && this.#tunnel === undefined) tunnel(new GoneSocket(this.#connection.socket), NOTHING);
  }
}

const answered = (cause?: unknown): RequestBodyError =>
  new RequestBodyError("answered", "The request has been answered", { cause });
