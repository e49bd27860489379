import type { StreamSocket } from "../../platform/sockets.ts";
import type { Keepalive, OutgoingRequest } from "../transport.ts";
import type { Connection } from "./connection.ts";
import type { Framing } from "./request-head.ts";
import type { ResponseHead } from "./response-head.ts";

/** One request over a connection, and who waits for its answer. */
export interface Call {
  readonly request: OutgoingRequest;
  readonly head: string;
  readonly framing: Framing;
  /** When its connection is given up once the answer is whole. */
  readonly keepalive: Keepalive;
  /**
   * Takes the connection over after a 101 to a request for an upgrade; `rest`: what came behind the head. Throws where
   * that is no answer to what was asked for. Undefined: no upgrade was asked for.
   */
  readonly switched?: ((head: ResponseHead, socket: StreamSocket, rest: Uint8Array) => void) | undefined;
  resolve(response: Response): void;
  /** `untouched`: the pod closed a used connection as the request came, and answered nothing; its body was not read. */
  reject(error: unknown, untouched: boolean): void;
}

/** Keeps a connection, and is notified of what becomes of it. */
export interface ConnectionOwner {
  /** It can carry another call, as far as `keepalive` goes. `idleSeconds`: what the pod said it will wait for one. */
  free(connection: Connection, idleSeconds: number | undefined, keepalive: Keepalive): void;
  /** It is gone. */
  gone(connection: Connection): void;
}
