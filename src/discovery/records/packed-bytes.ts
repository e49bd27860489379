/** Writes the packed text of endpoints (see slice-record.ts) out of pieces of other bytes, without texts in between. */
export interface PackedBytes {
  /** Begins the next text. */
  begin(): void;
  /** Adds `[host, flags, uid, pod, zone, hints]`; positions are in `bytes`, and nothing there needs an escape. */
  add(bytes: Uint8Array, endpoint: EndpointSpans): void;
  /** There are no more endpoints. Returns the length of their text. */
  close(): number;
  /** Adds a text that has nothing to do with them; returns where it begins in what `end` gives. */
  aside(bytes: Uint8Array, from: number, to: number): number;
  /** All that was written, as one text: its parts cost no decoding and no memory of their own. */
  end(): string;
}

/** Where the parts of one endpoint stand: from, to; both 0 for what is not there. */
export interface EndpointSpans {
  hostFrom: number;
  hostTo: number;
  /** As in the packed text. */
  flags: number;
  uidFrom: number;
  uidTo: number;
  podFrom: number;
  podTo: number;
  podNamespaceFrom: number;
  podNamespaceTo: number;
  zoneFrom: number;
  zoneTo: number;
  /** Its zones as JSON in ASCII, or undefined. */
  hints: string | undefined;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const SLASH = 0x2f;
const ZERO = 0x30;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** Room for one packed slice of usual size. */
const START = 4096;

/** Quotes, commas and what else stands between the parts of an endpoint, at most; the closing bracket too. */
const PUNCTUATION = 32;

/** A writer; one is enough, and it is used again for every object. */
export function createPackedBytes(): PackedBytes {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  let out = new Uint8Array(START);
  let size = 0;

  /** Makes room for so many bytes more. */
  const room = (bytes: number): void => {
    if (size + bytes <= out.length) return;
    const larger = new Uint8Array((size + bytes) * 2);
    larger.set(out);
    out = larger;
  };

  const copy = (bytes: Uint8Array, from: number, to: number): void => {
    // Local names: a variable of the closure would be read and written for every byte.
    const target = out;
    let at = size;
    for (let i = from; i < to; i++) target[at++] = bytes[i]!;
    size = at;
  };
  const text = (bytes: Uint8Array, from: number, to: number): void => {
    out[size++] = QUOTE;
    copy(bytes, from, to);
    out[size++] = QUOTE;
    out[size++] = COMMA;
  };

  return {
    begin() {
      out[0] = OPEN;
      size = 1;
    },
    add(bytes, endpoint) {
      const { hints = "0" } = endpoint;
      const pod = endpoint.podTo - endpoint.podFrom + endpoint.podNamespaceTo - endpoint.podNamespaceFrom;
      const rest = endpoint.uidTo - endpoint.uidFrom + endpoint.zoneTo - endpoint.zoneFrom;
      room(PUNCTUATION + endpoint.hostTo - endpoint.hostFrom + pod + rest + hints.length);
      if (size > 1) out[size++] = COMMA;
      text(bytes, endpoint.hostFrom, endpoint.hostTo);
      out[size++] = ZERO + endpoint.flags;
      out[size++] = COMMA;
      text(bytes, endpoint.uidFrom, endpoint.uidTo);
      out[size++] = QUOTE;
      if (endpoint.podTo > endpoint.podFrom) {
        copy(bytes, endpoint.podNamespaceFrom, endpoint.podNamespaceTo);
        out[size++] = SLASH;
        copy(bytes, endpoint.podFrom, endpoint.podTo);
      }
      out[size++] = QUOTE;
      out[size++] = COMMA;
      text(bytes, endpoint.zoneFrom, endpoint.zoneTo);
      if (endpoint.hints === undefined) out[size++] = ZERO;
      else size += encoder.encodeInto(endpoint.hints, out.subarray(size)).written;
    },
    close() {
      out[size++] = CLOSE;
      return size;
    },
    aside(bytes, from, to) {
      const at = size;
      room(to - from);
      copy(bytes, from, to);
      return at;
    },
    end: () => decoder.decode(out.subarray(0, size)),
  };
}
