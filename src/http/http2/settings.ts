import { H2_ERROR, Http2ConnectionError } from "./errors.ts";
import { MAX_WINDOW, readUint32, SETTING } from "./frames.ts";

/** What of the other side's settings matters here; undefined: they do not say. */
export interface PeerSettings {
  /** What a stream's window begins with. */
  readonly window: number | undefined;
  /** Bytes that its HPACK table may have, each time they say so: the smallest counts as well as the last. */
  readonly tableSizes: readonly number[];
  /** Streams that may be open at once. */
  readonly streams: number | undefined;
}

const NONE: number[] = [];
const LARGEST_FRAME = 0xff_ffff;

const wrong = (what: string): Http2ConnectionError => new Http2ConnectionError(H2_ERROR.protocol, what);

/** Reads the payload of SETTINGS (RFC 9113 section 6.5.2). Throws for what may not be set. Unknown ones are ignored. */
export function readSettings(bytes: Uint8Array, start: number, end: number): PeerSettings {
  if ((end - start) % 6 !== 0) throw new Http2ConnectionError(H2_ERROR.frameSize, "SETTINGS has half a setting");
  let window: number | undefined;
  let tableSizes: number[] = NONE;
  let streams: number | undefined;
  for (let at = start; at < end; at += 6) {
    const value = readUint32(bytes, at + 2);
    switch ((bytes[at]! << 8) | bytes[at + 1]!) {
      case SETTING.headerTableSize:
        tableSizes = [...tableSizes, value];
        break;
      case SETTING.enablePush:
      case SETTING.enableConnectProtocol:
        if (value > 1) throw wrong("a setting that is on or off is neither");
        break;
      case SETTING.maxConcurrentStreams:
        streams = value;
        break;
      case SETTING.initialWindowSize:
        if (value > MAX_WINDOW) {
          throw new Http2ConnectionError(H2_ERROR.flowControl, "the initial window is larger than any can be");
        }
        window = value;
        break;
      case SETTING.maxFrameSize:
        // Frames of ours are never larger than any receiver has to take.
        if (value < 16_384 || value > LARGEST_FRAME) throw wrong("the largest frame is set to what it cannot be");
        break;
      default:
    }
  }
  return { window, tableSizes, streams };
}
