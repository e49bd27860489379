import type { StreamSocket } from "../../platform/sockets.ts";
import type { HttpAnswer } from "../message.ts";
import type { Keepalive, OutgoingRequest } from "../transport.ts";
import type { Connection } from "./connection.ts";
import type { Framing } from "./request-head.ts";
import type { ResponseHead } from "./response-head.ts";

/** Takes a connection over after a 101. */
export interface Upgrader {
  /**
   * `rest`: what came behind the head; the connection is paused. Gives back what joins it with the client's. Throws where
   * that is no answer to what was asked for.
   */
  switched(head: ResponseHead, socket: StreamSocket, rest: Uint8Array): HttpAnswer["tunnel"];
}

/** One request over a connection, and who waits for its answer. */
export interface Call {
  readonly request: OutgoingRequest;
  readonly head: string;
  readonly framing: Framing;
  /** When its connection is given up once the answer is whole. */
  readonly keepalive: Keepalive;
  /** Undefined: no upgrade was asked for. */
  readonly upgrader: Upgrader | undefined;
  resolve(answer: HttpAnswer): void;
  /** `untouched`: the pod closed a used connection as the request came, and answered nothing; its body was not read. */
  fail(error: unknown, untouched: boolean): void;
}

/** Keeps a connection, and is notified of what becomes of it. */
export interface ConnectionOwner {
  /** It can carry another call, as far as `keepalive` goes. `idleSeconds`: what the pod said it will wait for one. */
  free(connection: Connection, idleSeconds: number | undefined, keepalive: Keepalive): void;
  /** It is gone. */
  gone(connection: Connection): void;
}
