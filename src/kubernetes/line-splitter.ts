import { InvalidObjectError } from "./errors.ts";

/** Turns chunks of bytes into lines. */
export interface LineSplitter {
  /**
   * The lines that this chunk completes, without newlines and empty ones. They may be parts of the chunk.
   * Throws `InvalidObjectError` past the limit.
   */
  push(chunk: Uint8Array): Uint8Array[];
  /** Bytes of the line that is still open. */
  readonly pending: number;
}

const NEWLINE = 0x0a;

/**
 * A splitter at the byte 0x0A. In UTF-8 that byte is never part of another character, so a line is whole
 * wherever the chunks were cut. What it holds is bounded by `limit` bytes.
 */
export function createLineSplitter(limit: number): LineSplitter {
  // Pieces of the open line, joined once: joining at every chunk would be quadratic.
  let held: Uint8Array[] = [];
  let size = 0;

  const refuse = (bytes: number): never => {
    held = [];
    size = 0;
    throw new InvalidObjectError(`a line of ${bytes} bytes or more: the limit is ${limit}`);
  };

  const join = (last: Uint8Array): Uint8Array => {
    const line = new Uint8Array(size + last.length);
    let at = 0;
    for (const piece of held) {
      line.set(piece, at);
      at += piece.length;
    }
    line.set(last, at);
    held = [];
    size = 0;
    return line;
  };

  return {
    get pending() {
      return size;
    },
    push(chunk) {
      const lines: Uint8Array[] = [];
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        const length = size + end - start;
        if (length > limit) refuse(length);
        if (length > 0) {
          const piece = chunk.subarray(start, end);
          lines.push(size === 0 ? piece : join(piece));
        }
        start = end + 1;
      }
      if (start < chunk.length) {
        const rest = start === 0 ? chunk : chunk.subarray(start);
        if (size + rest.length > limit) refuse(size + rest.length);
        held.push(rest);
        size += rest.length;
      }
      return lines;
    },
  };
}
