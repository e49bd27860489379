import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";

/** What is used of a socket of the package `ws`. */
export interface RealSocket {
  readonly extensions: string;
  readonly protocol: string;
  readonly readyState: number;
  readonly _socket: Socket;
  binaryType: string;
  send(data: string | Uint8Array, options?: { binary?: boolean; compress?: boolean; fin?: boolean }): void;
  ping(data?: string): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  on(event: "open", listener: () => void): void;
  on(event: "message", listener: (data: Buffer, binary: boolean) => void): void;
  on(event: "close", listener: (code: number, reason: Buffer) => void): void;
  on(event: "ping" | "pong", listener: (data: Buffer) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "unexpected-response", listener: (request: unknown, answer: IncomingMessage) => void): void;
  on(event: "upgrade", listener: (answer: IncomingMessage) => void): void;
}

interface RealServer {
  readonly clients: ReadonlySet<RealSocket>;
  on(event: "connection", listener: (socket: RealSocket, request: IncomingMessage) => void): void;
  close(): void;
}

interface Package {
  readonly WebSocket: new (url: string, protocols: string[], options: object) => RealSocket;
  readonly WebSocketServer: new (options: { server: Server } & Record<string, unknown>) => RealServer;
}

/**
 * The package itself, by its path: under its name Bun gives out a copy of its own, which would be a runtime's idea of a client.
 */
export const { WebSocket: RealWebSocket, WebSocketServer: RealWebSocketServer } = (await import(
  join(import.meta.dir, "../../node_modules/ws/wrapper.mjs")
)) as Package;
