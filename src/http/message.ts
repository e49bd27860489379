import type { StreamSocket } from "../platform/sockets.ts";
import type { Body, BodySource } from "./body.ts";
import type { HeaderFields } from "./header-fields.ts";

/** Whether, and when, a client left: what of an `AbortSignal` is used. */
export interface GoneSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: (() => void) | { handleEvent(): void }): void;
  removeEventListener(type: "abort", listener: (() => void) | { handleEvent(): void }): void;
}

/** An interim answer (RFC 9110 section 15.2). */
export interface InterimAnswer {
  /** 100 to 199, but 101. */
  readonly status: number;
  readonly statusText: string;
  readonly headers: HeaderFields;
}

/** A client's request as one of the edges has read it: a `Request` of the fetch standard is one. */
export interface ClientRequest {
  /** As sent: methods are case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  /** An absolute URL; from an engine of ours the path and the query alone, byte for byte as sent, or `*`. */
  readonly url: string;
  readonly headers: HeaderFields;
  readonly body: BodySource | ReadableStream<Uint8Array> | null;
  readonly signal: GoneSignal;
  /** The authority of the target where that names one: an absolute URL's, or `:authority`. It counts instead of `Host`. */
  readonly authority?: string | undefined;
  /** The `FIELD` kinds of all its fields (fields.ts), where its edge knows them: it has held them against the limits then. */
  readonly kinds?: number | undefined;
  /** `Expect: 100-continue`: the client waits for an interim answer before it sends its body. */
  readonly expectsContinue?: boolean | undefined;
  /** Sends an interim answer, before the answer itself. Left out, or of no use to this client: it is dropped. */
  interim?(answer: InterimAnswer): void;
}

/** An answer on its way to a client: a `Response` of the fetch standard is one. */
export interface HttpAnswer {
  readonly status: number;
  /** The reason phrase; "": the one that is usual for the status. */
  readonly statusText: string;
  /** Without fields of one hop (RFC 9110 section 7.6.1), but `Connection: close`, which makes it its connection's last. */
  readonly headers: HeaderFields;
  readonly body: Body;
  /**
   * Of a 101: called once that has been sent. Takes over the client's connection, paused, and what the client sent behind its
   * request.
   */
  readonly tunnel?: ((client: StreamSocket, rest: Uint8Array) => void) | undefined;
}

/** Answers a request; never throws, never rejects. `peer`: the address of the connection's other end. */
export type HttpHandler = (request: ClientRequest, peer: string) => HttpAnswer | Promise<HttpAnswer>;
