import { UpstreamError } from "../upstream-error.ts";

const LF = 10;
const CR = 13;
const SEMICOLON = 59;
/** Longest line of a chunk's size with its extensions, and of all trailers together, in bytes. */
const LINE_BYTES = 16_384;

/** Takes a body apart that comes in chunks (RFC 9112 section 7.1). Trailers and chunk extensions are dropped. */
export interface Chunks {
  /**
   * Takes what came; `body` is then what of the body was in it. Gives back how many bytes belonged to the body: fewer
   * than came only once it is `over`. Moves bytes within what came. Throws `UpstreamError` for what is not in chunks to
   * the letter: a line that ends in CR or LF alone is read in two ways.
   */
  take(bytes: Uint8Array): number;
  /** Undefined: only framing came. One piece, in however many chunks it came: the smallest chunk is a byte. */
  readonly body: Uint8Array | undefined;
  /** The last chunk and its trailers have been read. */
  readonly over: boolean;
}

const invalid = (what: string): UpstreamError => new UpstreamError("invalid", `its chunked body ${what}`);
const badLine = (): UpstreamError => invalid("has a line that does not end in CR and LF");

/** The value of a hexadecimal digit; -1: it is none. */
function hex(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** `lf` ends the line of a size, `data-lf` the data, `trailer-lf` a line of the trailers. */
type State = "size" | "space" | "extension" | "lf" | "data" | "data-cr" | "data-lf" | "trailer" | "trailer-lf";

/** Makes what reads one body. */
export function createChunks(): Chunks {
  let state: State = "size";
  let over = false;
  let body: Uint8Array | undefined;
  /** Of the chunk: what its size says so far, then what is missing of it. */
  let left = 0;
  let digits = 0;
  /** Bytes of lines since the last data, and of the trailer's line so far. */
  let line = 0;
  let lineBytes = 0;

  function take(bytes: Uint8Array): number {
    let at = 0;
    // Where the body stands in what came: what of it comes later is moved up to the rest.
    let from = 0;
    let to = 0;
    body = undefined;
    while (at < bytes.length && !over) {
      if (state === "data") {
        const end = Math.min(bytes.length, at + left);
        if (to === 0) from = to = at;
        else bytes.copyWithin(to, at, end);
        to += end - at;
        left -= end - at;
        at = end;
        if (left === 0) state = "data-cr";
        continue;
      }
      framing(bytes[at++]!);
    }
    if (to > from) {
      // What frames tiny chunks may be most of what came: it is not kept beside them.
      body = (to - from) * 2 < bytes.length ? bytes.slice(from, to) : bytes.subarray(from, to);
    }
    return at;
  }

  function framing(byte: number): void {
    if (++line > LINE_BYTES) throw invalid("has a line that is too long");
    switch (state) {
      case "size": {
        const digit = hex(byte);
        if (digit !== -1) {
          // 13 digits are 52 bits: every number of them is exact.
          if (++digits > 13) throw invalid("has a chunk of more than 4 PiB");
          left = left * 16 + digit;
          return;
        }
        if (digits === 0) throw invalid("has a chunk without a size");
        if (byte === CR) state = "lf";
        else if (byte === SEMICOLON) state = "extension";
        else if (byte === 32 || byte === 9) state = "space";
        else if (byte === LF) throw badLine();
        else throw invalid("has a chunk whose size is not a number");
        return;
      }
      // What stands behind white space without a semicolon might be more of the size.
      case "space":
        if (byte === CR) state = "lf";
        else if (byte === SEMICOLON) state = "extension";
        else if (byte !== 32 && byte !== 9) throw invalid("has a chunk whose size is not a number");
        return;
      case "extension":
        if (byte === CR) state = "lf";
        else if (byte === LF) throw badLine();
        return;
      case "lf":
        if (byte !== LF) throw badLine();
        state = left === 0 ? "trailer" : "data";
        line = lineBytes = 0;
        return;
      case "data-cr":
        if (byte !== CR) throw invalid("has a chunk that is longer than its size");
        state = "data-lf";
        return;
      case "data-lf":
        if (byte !== LF) throw badLine();
        state = "size";
        line = digits = left = 0;
        return;
      case "trailer":
        if (byte === LF) throw badLine();
        if (byte === CR) state = "trailer-lf";
        else lineBytes++;
        return;
      case "trailer-lf":
        if (byte !== LF) throw badLine();
        over = lineBytes === 0;
        state = "trailer";
        lineBytes = 0;
        return;
    }
  }

  return {
    take,
    get body() {
      return body;
    },
    get over() {
      return over;
    },
  };
}
