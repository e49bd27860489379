/** How a body is framed, where its head does not say it: a tunnel is all that follows. */
export type Body = "framed" | "none" | "tunnel";

/** What a reader hands over. */
export interface MessageEvents {
  /** A head: its first line, its fields by their names in lower case, and their lines. Says what follows it. */
  head(line: string, fields: ReadonlyMap<string, string>, lines: readonly string[]): Body;
  data(bytes: Uint8Array): void;
  end(): void;
}

const text = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

/** Reads HTTP/1.1 messages one after the other. Throws for what is none: its sender is the gateway, which must not err. */
export class MessageReader {
  readonly #events: MessageEvents;
  #held = "";
  /** What comes next; a number: so many bytes of a body or of a chunk. */
  #state: "head" | "size" | "after" | "trailers" | "length" | "chunk" | "close" | "tunnel" = "head";
  #left = 0;

  constructor(events: MessageEvents) {
    this.#events = events;
  }

  /** Between two messages, or in a body that the connection's end ends. */
  get atRest(): boolean {
    return (this.#state === "head" && this.#held === "") || this.#state === "close" || this.#state === "tunnel";
  }

  feed(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) at = this.#step(bytes, at);
  }

  /** The connection ended. */
  close(): void {
    if (this.#state !== "close") return;
    this.#state = "head";
    this.#events.end();
  }

  #step(bytes: Uint8Array, at: number): number {
    switch (this.#state) {
      case "tunnel":
      case "close":
        this.#events.data(bytes.subarray(at));
        return bytes.length;
      case "length":
      case "chunk": {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        this.#events.data(bytes.subarray(at, end));
        if (this.#left === 0) {
          if (this.#state === "chunk") this.#state = "after";
          else this.#finish();
        }
        return end;
      }
      default:
        return this.#line(bytes, at);
    }
  }

  /** Takes bytes up to the end of what is read as text. */
  #line(bytes: Uint8Array, at: number): number {
    const end = bytes.indexOf(10, at);
    if (end === -1) {
      this.#held += text(bytes.subarray(at));
      return bytes.length;
    }
    this.#held += text(bytes.subarray(at, end + 1));
    if (!this.#held.endsWith("\r\n"))
      throw new Error(`a line ends in a line feed alone: ${JSON.stringify(this.#held)}`);
    if (this.#state === "head") {
      if (this.#held.endsWith("\r\n\r\n")) this.#head();
      return end + 1;
    }
    const line = this.#held.slice(0, -2);
    this.#held = "";
    if (this.#state === "size") {
      if (!/^[0-9a-f]+$/i.test(line)) throw new Error(`not the size of a chunk: ${JSON.stringify(line)}`);
      this.#left = Number.parseInt(line, 16);
      this.#state = this.#left === 0 ? "trailers" : "chunk";
    } else if (this.#state === "after") {
      if (line !== "") throw new Error(`a chunk is longer than its size: ${JSON.stringify(line)}`);
      this.#state = "size";
    } else if (line === "") this.#finish();
    return end + 1;
  }

  #head(): void {
    const [line = "", ...rest] = this.#held.slice(0, -4).split("\r\n");
    this.#held = "";
    const fields = new Map(
      rest.map((field) => {
        const colon = field.indexOf(":");
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()] as const;
      }),
    );
    const body = this.#events.head(line, fields, rest);
    const length = fields.get("content-length");
    const coding = fields.get("transfer-encoding");
    if (body === "tunnel") this.#state = "tunnel";
    else if (body === "none") this.#finish();
    else if (coding !== undefined) {
      if (coding !== "chunked" || length !== undefined) throw new Error(`framed by ${coding} and ${length}`);
      this.#state = "size";
    } else if (length !== undefined) {
      this.#left = Number(length);
      this.#state = "length";
      if (this.#left === 0) this.#finish();
    } else if (line.startsWith("HTTP/")) this.#state = "close";
    else this.#finish();
  }

  #finish(): void {
    this.#state = "head";
    this.#events.end();
  }
}
