import { UpstreamError } from "../upstream-error.ts";

const LF = 10;
const CR = 13;
/** Longest line of a chunk's size with its extensions, and of all trailers together, in bytes. */
const LINE_BYTES = 16_384;

/** Takes a body apart that comes in chunks (RFC 9112 section 7.1). Trailers and chunk extensions are dropped. */
export interface Chunks {
  /**
   * Takes what came and hands on the pieces of the body in it. Gives back how many bytes belonged to the body: fewer than came
   * only once it is `over`. Throws `UpstreamError` for what is not in chunks.
   */
  take(bytes: Uint8Array, piece: (bytes: Uint8Array) => void): number;
  /** The last chunk and its trailers have been read. */
  readonly over: boolean;
}

const invalid = (what: string): UpstreamError => new UpstreamError("invalid", `its chunked body ${what}`);

/** The value of a hexadecimal digit; -1: it is none. */
function hex(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Makes what reads one body. */
export function createChunks(): Chunks {
  let state: "size" | "extension" | "data" | "data-end" | "trailer" = "size";
  let over = false;
  /** Of the chunk: what its size says so far, then what is missing of it. */
  let left = 0;
  let digits = 0;
  /** Bytes of lines since the last data, and of the trailer's line so far without its CR. */
  let line = 0;
  let lineBytes = 0;

  function take(bytes: Uint8Array, piece: (bytes: Uint8Array) => void): number {
    let at = 0;
    while (at < bytes.length) {
      if (state === "data") {
        const end = Math.min(bytes.length, at + left);
        piece(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
        left -= end - at;
        at = end;
        if (left === 0) state = "data-end";
        continue;
      }
      const byte = bytes[at++]!;
      if (++line > LINE_BYTES) throw invalid("has a line that is too long");
      switch (state) {
        case "size": {
          const digit = hex(byte);
          if (digit !== -1) {
            // 13 digits are 52 bits: every number of them is exact.
            if (++digits > 13) throw invalid("has a chunk of more than 4 PiB");
            left = left * 16 + digit;
            break;
          }
          if (digits === 0) throw invalid("has a chunk without a size");
          if (byte === LF) sized();
          else if (byte === CR || byte === 59 || byte === 32 || byte === 9) state = "extension";
          else throw invalid("has a chunk whose size is not a number");
          break;
        }
        case "extension":
          if (byte === LF) sized();
          break;
        case "data-end":
          if (byte === LF) {
            state = "size";
            line = digits = left = 0;
          } else if (byte !== CR) throw invalid("has a chunk that is longer than its size");
          break;
        case "trailer":
          if (byte === LF) {
            if (lineBytes === 0) {
              over = true;
              return at;
            }
            lineBytes = 0;
          } else if (byte !== CR) lineBytes++;
          break;
      }
    }
    return at;
  }

  function sized(): void {
    state = left === 0 ? "trailer" : "data";
    line = lineBytes = 0;
  }

  return {
    take,
    get over() {
      return over;
    },
  };
}
