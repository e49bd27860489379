import type { SocketEvents, StreamSocket } from "../../src/platform/sockets.ts";

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/**
 * A connection in memory, whose other end the test plays: it sends with `receive` and `fin`, and takes as much as `room` allows.
 * What comes while the connection is paused waits, its end too. Events of a socket that resumes come a moment later.
 */
export class FakeSocket implements StreamSocket {
  readonly peer = { host: "192.0.2.7", port: 50_000 };
  readonly local = { host: "192.0.2.1", port: 80 };
  /** What the other end has taken; each character is a byte. */
  taken = "";
  /** Each write as it was handed over. */
  readonly writes: string[] = [];
  /** Bytes that the other end will still take. */
  room = Number.POSITIVE_INFINITY;
  /** A write is no reason to stop while no more than this waits. */
  highWater = 0;
  paused = true;
  /** So many pieces still come after a pause: a runtime may have had them in hand. */
  late = 0;
  #lateLeft = 0;
  /** How this end ended: the order matters where there are several. */
  readonly ends: ("end" | "reset" | "destroy")[] = [];
  #events: SocketEvents | undefined;
  #waiting = "";
  #refused = false;
  /** What has come and was not read; null: the other end's FIN. */
  readonly #coming: (Uint8Array | null)[] = [];
  #finCame = false;
  #closed = false;

  get waiting(): number {
    return this.#waiting.length;
  }

  listen(events: SocketEvents): void {
    this.#events = events;
  }

  write(data: Uint8Array | string): boolean {
    if (this.#closed) return true;
    if (this.ends.length > 0) throw new Error("A write behind the end");
    const text = typeof data === "string" ? data : Buffer.from(data).toString("latin1");
    if (/[^\0-\xff]/.test(text)) throw new Error("A character that is no byte");
    this.writes.push(text);
    this.#waiting += text;
    this.#move();
    if (this.#waiting.length <= this.highWater) return true;
    this.#refused = true;
    return false;
  }

  writeFramed(before: string, bytes: Uint8Array, after: string): boolean {
    return this.write(before + Buffer.from(bytes).toString("latin1") + after);
  }

  end(): void {
    this.ends.push("end");
    this.#closeWhenDone();
  }

  pause(): void {
    this.paused = true;
    this.#lateLeft = this.late;
  }

  resume(): void {
    this.paused = false;
    queueMicrotask(() => this.#deliver());
  }

  reset(): void {
    this.ends.push("reset");
    this.#close(undefined);
  }

  destroy(): void {
    this.ends.push("destroy");
    this.#close(undefined);
  }

  /** The other end sends. */
  receive(data: string | Uint8Array): void {
    this.#coming.push(typeof data === "string" ? bytesOf(data) : data.slice());
    this.#deliver();
  }

  /** The other end says that it sends no more. */
  fin(): void {
    this.#coming.push(null);
    this.#deliver();
  }

  /** The connection breaks. */
  cut(): void {
    this.#close(new Error("ECONNRESET"));
  }

  /** The other end takes so many bytes more. */
  take(bytes: number): void {
    this.room += bytes;
    this.#move();
    if (this.#waiting !== "") return;
    if (this.#refused) {
      this.#refused = false;
      this.#events?.drained();
    }
    this.#closeWhenDone();
  }

  #move(): void {
    const moved = this.#waiting.slice(0, this.room);
    this.taken += moved;
    this.#waiting = this.#waiting.slice(moved.length);
    this.room -= moved.length;
  }

  #deliver(): void {
    while (!this.#closed && this.#coming.length > 0) {
      if (this.paused && this.#lateLeft-- <= 0) return;
      const next = this.#coming.shift()!;
      if (next !== null) this.#events?.data(next);
      else {
        this.#finCame = true;
        this.#events?.ended();
        this.#closeWhenDone();
      }
    }
  }

  #closeWhenDone(): void {
    if (this.#finCame && this.ends.includes("end") && this.#waiting === "") this.#close(undefined);
  }

  #close(cause: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = "";
    queueMicrotask(() => this.#events?.closed(cause));
  }
}
