import type { FieldLine } from "./field-line.ts";
import type { SessionCore } from "./session-core.ts";
import type { StreamReceiver } from "./stream-receiver.ts";
import { StreamSender } from "./stream-sender.ts";

/** A stream of either side that is open or half closed (RFC 9113 section 5.1): those that are not have no object. */
export abstract class Http2Stream {
  readonly id: number;
  protected readonly session: SessionCore;
  readonly sender: StreamSender;
  /** What comes; undefined: nothing but fields does. */
  receiver: StreamReceiver | undefined = undefined;
  /** END_STREAM came. */
  remoteEnded = false;
  /** END_STREAM was sent. */
  localEnded = false;
  /** It is gone, whether it ended or was reset. */
  closed = false;

  constructor(session: SessionCore, id: number) {
    this.session = session;
    this.id = id;
    this.sender = new StreamSender(session, this);
  }

  /** A further block of fields came. `complete`: false: it was beyond the limits, and not all of it is here. */
  abstract onFields(lines: readonly FieldLine[], complete: boolean, endStream: boolean): void;

  /** DATA without END_STREAM, or with it. Returns 0, or the error that ends the stream. */
  onData(bytes: Uint8Array, start: number, end: number, flow: number, endStream: boolean): number {
    const { receiver } = this;
    if (receiver === undefined) {
      this.session.took(flow);
      return 0;
    }
    const error = receiver.receive(bytes, start, end, flow);
    if (error !== 0 || !endStream) return error;
    return this.onEnd();
  }

  /** END_STREAM came. Returns 0, or the error that ends the stream. */
  onEnd(): number {
    this.remoteEnded = true;
    const error = this.receiver?.finish(undefined) ?? 0;
    if (error === 0 && this.localEnded) this.session.finish(this);
    return error;
  }

  /** It was reset by either side, or its connection is gone: `error`. Called once, and nothing after it. */
  abstract onGone(error: Error): void;

  /** It ended both ways. */
  abstract onClosed(): void;

  /** The sender has sent END_STREAM. */
  sentAll(): void {
    this.localEnded = true;
    if (this.remoteEnded) this.session.finish(this);
    else this.onAnswered();
  }

  /** All was sent while the other side still sends. */
  abstract onAnswered(): void;

  /** The source of what is sent broke off. */
  abstract sourceFailed(): void;

  /** What waited has left. */
  drained(): void {}
}
