import type { Body } from "../../../src/http/body.ts";
import { Fields } from "../../../src/http/header-fields.ts";
import type { Refusal } from "../../../src/http/http1/server-context.ts";
import { FLAG, FRAME, readUint32 } from "../../../src/http/http2/frames.ts";
import { Http2ServerConnection } from "../../../src/http/http2/server-connection.ts";
import type { Http2Limits, Http2ServerOptions } from "../../../src/http/http2/server-options.ts";
import type { ClientRequest, HttpAnswer, HttpHandler } from "../../../src/http/message.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { FakeSocket } from "../../helpers/fake-socket.ts";
import { HELLO, type Line, SETTINGS_ACK, type SeenFrame, SeenFrames } from "../../helpers/http2-frames.ts";

export const LIMITS: Http2Limits = {
  header_bytes: 32_768,
  headers: 100,
  url_bytes: 8192,
  streams: 100,
  body_rate: 128,
  body_window: 30_000,
  write_stall: 60_000,
};

export const answer = (body: Body = null, lines: readonly Line[] = [], status = 200): HttpAnswer => ({
  status,
  statusText: "",
  headers: Fields.from(lines),
  body,
});

const STATUS: Readonly<Record<string, number>> = {
  request_timeout: 408,
  headers_too_large: 431,
  url_too_long: 414,
  not_supported: 501,
};

/** A server's connection over a socket in memory, and what it left to its server. */
export class Rig {
  readonly socket: FakeSocket = new FakeSocket();
  readonly clock = createFakeClock();
  readonly requests: ClientRequest[] = [];
  readonly refusals: Refusal[] = [];
  readonly failures: unknown[] = [];
  readonly broken: string[] = [];
  closed = 0;
  /** Requests under way. */
  readonly load = { requests: 0 };
  readonly connection: Http2ServerConnection;
  readonly #seen = new SeenFrames();
  #read = 0;

  constructor(handler: HttpHandler = () => answer("ok"), limits: Partial<Http2Limits> = {}) {
    const options: Http2ServerOptions = {
      handler: (request, peer) => {
        this.requests.push(request);
        return handler(request, peer);
      },
      limits: { ...LIMITS, ...limits },
      clock: this.clock,
      random: () => 0.5,
      defer: queueMicrotask,
      load: this.load,
      refuse: (refusal) => {
        this.refusals.push(refusal);
        return answer(refusal.detail, [], refusal.status ?? STATUS[refusal.problem] ?? 400);
      },
      failed: (error) => {
        this.failures.push(error);
        return answer("failed", [], 500);
      },
      broken: (_, _code, why) => void this.broken.push(why),
      closed: () => void this.closed++,
    };
    this.connection = new Http2ServerConnection(this.socket, options);
    this.socket.paused = false;
  }

  /** Sends bytes to the server. */
  send(...pieces: readonly ArrayLike<number>[]): this {
    for (const piece of pieces) this.socket.receive(Uint8Array.from(piece));
    return this;
  }

  /** The client's preface and settings, and its ACK of the server's. */
  hello(): this {
    this.send(HELLO, SETTINGS_ACK);
    this.connection.flush();
    return this;
  }

  /** All frames that the server sent. */
  get frames(): readonly SeenFrame[] {
    const { taken } = this.socket;
    if (taken.length > this.#read) this.#seen.push(Buffer.from(taken.slice(this.#read), "latin1"));
    this.#read = taken.length;
    return this.#seen.all;
  }

  of(type: number, stream?: number): SeenFrame[] {
    return this.frames.filter((one) => one.type === type && (stream === undefined || one.stream === stream));
  }

  /** The error codes that a stream was reset with. */
  resets(stream: number): number[] {
    return this.of(FRAME.rstStream, stream).map(({ payload }) => readUint32(payload, 0));
  }

  /** The error codes of GOAWAY. */
  goaways(): number[] {
    return this.of(FRAME.goaway).map(({ payload }) => readUint32(payload, 4));
  }

  /** The answer on a stream: what came of it so far. */
  answered(stream: number) {
    const heads = this.of(FRAME.headers, stream);
    const pieces = this.of(FRAME.data, stream);
    const last = this.frames.filter((one) => one.stream === stream && one.type <= FRAME.headers).at(-1);
    return {
      statuses: heads.flatMap(({ fields }) => fields!.filter(([name]) => name === ":status").map(([, value]) => value)),
      fields: heads.flatMap(({ fields }) => fields!),
      body: pieces.map(({ payload }) => Buffer.from(payload).toString("latin1")).join(""),
      ended: last !== undefined && (last.flags & FLAG.endStream) !== 0,
    };
  }
}

/** Lets what waits for no event run. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
