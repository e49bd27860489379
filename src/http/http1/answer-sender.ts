import type { Clock } from "../../base/clock.ts";
import type { StreamSocket } from "../../platform/sockets.ts";
import { httpDate } from "../http-date.ts";
import type { HttpAnswer, InterimAnswer } from "../message.ts";
import { answerHead, NO_LENGTH, trailerLines } from "./answer-head.ts";
import { answerPlan } from "./answer-plan.ts";
import { BodySender, type BodySenderOwner, UNTIL_CLOSE } from "./body-sender.ts";
import { UnwritableHead } from "./write-fields.ts";

/** Interim answers are dropped while so much waits for the client. */
const WAITING_BYTES = 65_536;

/** The connection whose answers are sent. */
export interface SenderOwner {
  /** The client's system took the whole answer, or it is on its way there. */
  sent(): void;
  /** The answer cannot be finished. `silent`: an end of the connection would look like its own. */
  broke(silent: boolean): void;
}

/** What an answer needs to know of its request. */
export interface AnsweredRequest {
  /** Of its version, HTTP/1. */
  readonly minor: 0 | 1;
  readonly isHead: boolean;
}

/** Sends the answers of a connection, one at a time. */
export class AnswerSender implements BodySenderOwner {
  /** The head of the answer has left. */
  answering = false;
  /** This answer is the connection's last. */
  last = false;
  readonly #socket: StreamSocket;
  readonly #owner: SenderOwner;
  /** On its way, with a body that is not there yet. */
  #answer: BodySender | undefined = undefined;
  #untilClose = false;
  /** The whole answer was written, and waits for the client to take it. */
  #clogged = false;

  constructor(socket: StreamSocket, owner: SenderOwner) {
    this.#socket = socket;
    this.#owner = owner;
  }

  /** There is another request to answer. */
  reset(): void {
    this.answering = this.last = false;
  }

  /** Throws `UnwritableHead`: then nothing has been sent. */
  send(answer: HttpAnswer, { minor, isHead }: AnsweredRequest, clock: Clock): void {
    const plan = answerPlan;
    plan.begin(answer, minor, isHead);
    this.last ||= plan.closes;
    const head = plan.head(this.last, minor, httpDate(clock.now()));
    this.answering = true;
    const { source, bytes } = plan;
    if (source !== undefined) {
      this.#untilClose = plan.framing === UNTIL_CLOSE;
      this.#answer = new BodySender(this, this.#socket, source, head, plan.framing, trailerLines);
      this.#answer.start();
    } else if (bytes === undefined || bytes.length === 0) this.handedOver(this.#socket.write(head));
    else this.handedOver(this.#socket.writeFramed(head, bytes, ""));
  }

  /** False: it cannot be sent, or would only fill the memory, and was dropped. */
  sendInterim({ status, statusText, headers }: InterimAnswer): boolean {
    if (status >= 200 || status === 101 || this.#socket.waiting >= WAITING_BYTES) return false;
    let head: string;
    try {
      answerHead.begin(status, statusText, headers, NO_LENGTH);
      head = answerHead.finish("", "");
    } catch {
      return false;
    }
    this.#socket.write(head);
    return true;
  }

  /** The head of a 101 (RFC 9110 section 7.8). Throws `UnwritableHead`: then nothing has been sent. */
  sendSwitch({ status, statusText, headers }: HttpAnswer): void {
    if (status !== 101 || !headers.has("upgrade")) throw new UnwritableHead(`the status ${status} answers no request`);
    answerHead.begin(status, statusText, headers, NO_LENGTH);
    const head = answerHead.finish("Connection: Upgrade\r\n", "");
    this.answering = true;
    this.#socket.write(head);
  }

  /** The socket takes more. */
  drained(): void {
    if (this.#answer !== undefined) this.#answer.drained();
    else if (this.#clogged) {
      this.#clogged = false;
      this.#owner.sent();
    }
  }

  /** What is on its way is not wanted any more. */
  cancel(reason: unknown): void {
    const answer = this.#answer;
    this.#answer = undefined;
    this.#clogged = false;
    answer?.cancel(reason);
  }

  handedOver(more: boolean): void {
    this.#answer = undefined;
    if (more) this.#owner.sent();
    else this.#clogged = true;
  }

  broken(): void {
    this.#answer = undefined;
    this.#owner.broke(this.#untilClose);
  }
}
