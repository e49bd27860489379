import type { Body, BodySink, BodySource } from "../../src/http/body.ts";
import type { Fields } from "../../src/http/header-fields.ts";

/** A source whose pieces come when the test says so. Fails the test that pushes into it while it is paused or over. */
export class PushedBody implements BodySource {
  readonly length: number | undefined;
  sink: BodySink | undefined;
  paused = false;
  /** Why it was cancelled, as the only element; empty: it was not. */
  readonly cancelled: unknown[] = [];
  /** Called when it begins to flow, and when it flows again. */
  onFlow: () => void = () => {};

  constructor(length?: number) {
    this.length = length;
  }

  pipe(sink: BodySink): void {
    if (this.sink !== undefined) throw new Error("It is piped twice");
    this.sink = sink;
    this.onFlow();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.onFlow();
  }

  cancel(reason?: unknown): void {
    if (this.cancelled.length === 0) this.cancelled.push(reason);
  }

  /** Hands over a piece; a text in Latin-1. */
  push(piece: string | Uint8Array): void {
    if (this.paused) throw new Error("A piece for a source that is paused");
    this.sink!.data(typeof piece === "string" ? Uint8Array.from(piece, (c) => c.charCodeAt(0)) : piece);
  }
}

/** These pieces as a source, each handed over as soon as it is wanted. */
export function sourceOfPieces(pieces: readonly (string | Uint8Array)[], trailers?: Fields): PushedBody {
  const body = new PushedBody();
  const left = [...pieces];
  let flowing = false;
  let over = false;
  body.onFlow = () => {
    if (flowing || over) return;
    flowing = true;
    while (!body.paused && body.cancelled.length === 0 && left.length > 0) body.push(left.shift()!);
    flowing = false;
    if (body.paused || body.cancelled.length > 0) return;
    over = true;
    body.sink!.end(trailers);
  };
  return body;
}

/** A body, whole. */
export interface Collected {
  /** Its bytes as characters of those numbers. */
  readonly text: string;
  readonly size: number;
  readonly trailers: [name: string, value: string][];
}

/** Takes a body to its end; rejects with what broke it off. */
export async function collect(body: Body): Promise<Collected> {
  const pieces: Uint8Array[] = [];
  let trailers: [string, string][] = [];
  if (typeof body === "string") pieces.push(new TextEncoder().encode(body));
  else if (body instanceof Uint8Array) pieces.push(body);
  else if (body instanceof ReadableStream) pieces.push(await new Response(body).bytes());
  else if (body !== null) {
    trailers = await new Promise((resolve, reject) =>
      body.pipe({
        data: (bytes) => void pieces.push(bytes.slice()),
        end(fields) {
          const lines: [string, string][] = [];
          fields?.forEachLine((name, value) => lines.push([name, value]));
          resolve(lines);
        },
        fail: reject,
      }),
    );
  }
  const whole = Buffer.concat(pieces);
  return { text: whole.toString("latin1"), size: whole.length, trailers };
}
