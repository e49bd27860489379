import type { Clock } from "../../base/clock.ts";
import type { ClientRequest, HttpAnswer, HttpHandler } from "../message.ts";
import type { ProblemCode } from "../problem.ts";
import { RequestBodyError } from "../request-body-error.ts";
import { Chunks } from "./chunks.ts";
import { type HeadLimits, type RequestHead, RequestReader } from "./read-request.ts";
import { type BodyOwner, RequestBody } from "./request-body.ts";
import type { ServerConnection } from "./server-connection.ts";

/** A request that is answered without its handler, or in its stead. */
export interface Refusal {
  readonly problem: ProblemCode;
  /** The status, where it is not the problem's own. */
  readonly status: number | undefined;
  /** Outward words. */
  readonly detail: string;
  /** The address of the connection's other end. */
  readonly peer: string;
  /** As much as a log can show, never trusted; "": none was read. */
  readonly method: string;
  readonly target: string;
  /** The request, where its handler has it: it was given up before this. */
  readonly request: ClientRequest | undefined;
}

/** How much a server does now, of all its connections together. */
export interface ServerLoad {
  /** Requests whose answer is not over yet. */
  requests: number;
}

/** What a server's connections need of it. */
export interface ServerOptions {
  readonly handler: HttpHandler;
  /** In force for heads that begin from now on: may be changed under way. */
  readonly limits: HeadLimits;
  readonly clock: Clock;
  /** Where requests under way are counted. @default nowhere */
  readonly load?: ServerLoad | undefined;
  /** The answer to a request that is refused: its connection ends with it. */
  refuse(refusal: Refusal): HttpAnswer;
  /** The handler threw, or its answer cannot be written: the answer in its stead. */
  failed(error: unknown, request: ClientRequest | undefined): HttpAnswer;
  /** A connection is over, or will be as soon as its socket has let go of it. Called once for each. */
  closed(connection: ServerConnection): void;
}

/** What all connections of a server have in common. */
export class ServerContext {
  readonly options: ServerOptions;
  /** One that is in the middle of no head: few connections are. */
  #reader: RequestReader | undefined = undefined;
  /** Those of the last one that was made. */
  #limits: HeadLimits | undefined = undefined;

  constructor(options: ServerOptions) {
    this.options = options;
  }

  takeReader(): RequestReader {
    const { limits } = this.options;
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined && limits === this.#limits) return reader;
    this.#limits = limits;
    return new RequestReader(limits);
  }

  /** It has read a head to its end. */
  giveReader(reader: RequestReader): void {
    reader.rest = NOTHING;
    this.#reader = reader;
  }

  /** The body behind a head, which comes over a connection; undefined: there is none. */
  bodyOf({ framing, expectsContinue }: RequestHead, owner: BodyOwner): RequestBody | undefined {
    if (framing === undefined || framing === 0) return undefined;
    if (framing !== "chunked") return new RequestBody(framing, owner, !expectsContinue);
    const chunks = new Chunks({ trailers: this.options.limits.headers, padding: false, invalid });
    return new RequestBody(chunks, owner, !expectsContinue);
  }
}

const NOTHING = new Uint8Array();
const invalid = (what: string): RequestBodyError => new RequestBodyError("refused", `The chunked body ${what}`);
