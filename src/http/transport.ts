import type { LazyAbortController } from "../base/abort.ts";
import type { Endpoint } from "../discovery/types.ts";
import type { Dial } from "../platform/sockets.ts";
import type { BodySource } from "./body.ts";
import type { HeaderFields } from "./header-fields.ts";
import type { ClientRequest, HttpAnswer, InterimAnswer } from "./message.ts";
import type { TunnelEnd } from "./tunnel.ts";

/** How long a connection is used; between two requests it is given up. */
export interface Keepalive {
  /** Requests it carries; 0: without limit. */
  readonly requests: number;
  /** Milliseconds since it was made; 0: without limit. */
  readonly age: number;
  /** Milliseconds without a request; undefined: as long as the pod says, else a default. */
  readonly idle?: number | undefined;
}

/** A change of protocols that is asked for by a request: its answer may bring a `tunnel`. */
export interface RequestedUpgrade {
  /** As `Upgrade` names them: one, or several with commas. */
  readonly protocols: string;
  /** Milliseconds without a byte either way after which the tunnel is closed; 0: never. */
  readonly idle: number;
  /** The tunnel is over, with so many bytes from the client and to it. */
  onEnd(end: TunnelEnd, up: number, down: number): void;
}

/**
 * A request to a pod, besides its URL. Whatever comes beside the head and the body of its answer is handed to what the
 * request brings along for it.
 */
export interface OutgoingRequest {
  readonly method: string;
  readonly headers: HeaderFields;
  body?: BodySource | ReadableStream<Uint8Array> | undefined;
  /** Its sender waits for an interim answer before it sends the body. */
  readonly expectsContinue?: boolean | undefined;
  /** Takes interim answers (RFC 9110 section 15.2), 32 at most, before the answer itself; left out: they are dropped. */
  interim?(answer: InterimAnswer): void;
  /** Asks to go over to another protocol; a refusal is an answer like any other. */
  readonly upgrade?: RequestedUpgrade | undefined;
  /** The address it goes to, and the cluster that named it: for a transport that takes another way than the address. */
  endpoint?: Endpoint | undefined;
  cluster?: string | undefined;
  /** Ends it. What takes a signal takes this one's. */
  controller: LazyAbortController;
  /** Its signal says that the client no longer reads the answer. */
  readonly client?: Pick<ClientRequest, "signal"> | undefined;
  /** When its connection is given up after it; left out: when it has been idle for a while. */
  readonly keepalive?: Keepalive | undefined;
  /** Milliseconds to make a connection, where that can be seen; 0 or left out: as long as it takes. */
  readonly connectTimeout?: number | undefined;
}

/** How requests leave for pods, made once for each trust and identity (TLS as a client). */
export interface Transport {
  /**
   * Sends a request; resolves with its answer once the head is there, whose fields are the caller's to change. Redirects
   * are answers as any other, encoded bodies stay encoded, and nothing cuts off what is silent. Rejects with the
   * controller's reason, or with an error that `classify` knows.
   */
  send(url: string, request: OutgoingRequest): Promise<HttpAnswer>;
  /** Makes a connection without HTTP, for streams; undefined: it cannot. */
  readonly dial: Dial | undefined;
  /** Its answers hold no hop-by-hop fields (RFC 9110 section 7.6.1), and any target is sent as it is. */
  readonly stripsHopByHop: boolean;
}
