import { once } from "node:events";
import type { Socket } from "node:net";
import type { Random } from "../../../src/base/clock.ts";
import { noise } from "./noise.ts";

/** Most of a body that is written at once. */
const PIECE = 65_536;

/** Waits until the socket takes more, or is gone. */
export async function drained(socket: Socket): Promise<void> {
  if (socket.destroyed || !socket.writableNeedDrain) return;
  const stop = new AbortController();
  const { signal } = stop;
  await Promise.race([once(socket, "drain", { signal }), once(socket, "close", { signal })]).catch(() => {});
  stop.abort();
}

/** A body's number, size and framing; `until`: it stops there, as if more were to come. */
export interface BodyToSend {
  readonly body: number;
  readonly size: number;
  readonly framing: "length" | "chunked" | "close";
  readonly until?: number;
}

/** Writes a body in pieces of sizes drawn at random. Resolves when it is written, or the socket is gone. */
export async function sendBody(
  socket: Socket,
  { body, size, framing, until = size }: BodyToSend,
  random: Random,
): Promise<void> {
  for (let at = 0; at < until && !socket.destroyed; ) {
    const piece = noise(body, at, Math.min(until - at, 1 + Math.floor(random() * PIECE)));
    if (framing === "chunked") {
      socket.write(`${piece.length.toString(16)}\r\n`);
      socket.write(piece);
      socket.write("\r\n");
    } else socket.write(piece);
    at += piece.length;
    await drained(socket);
  }
  if (framing === "chunked" && until === size && !socket.destroyed) socket.write("0\r\n\r\n");
}

/** The field that says how a body is framed. */
export const framingField = (framing: "length" | "chunked" | "close", size: number): string =>
  framing === "length"
    ? `content-length: ${size}`
    : framing === "chunked"
      ? "transfer-encoding: chunked"
      : "connection: close";
