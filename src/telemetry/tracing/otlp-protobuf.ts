import { type Attributes, flagsOf, nanoseconds, type Span, type SpanOrigin } from "./span.ts";

/** Ways a field is written (protobuf.dev, Encoding). */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const encoder = new TextEncoder();

/** Writes one message after another into bytes that grow. */
class Writer {
  #bytes = new Uint8Array(65_536);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  #room(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + more));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  #varint(value: number): void {
    this.#room(10);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
  }

  number(field: number, value: number): void {
    this.#varint(field * 8 + VARINT);
    if (value >= 0) {
      this.#varint(value);
      return;
    }
    // Two's complement of 64 bits.
    let rest = BigInt.asUintN(64, BigInt(value));
    this.#room(10);
    for (; rest > 127n; rest >>= 7n) this.#bytes[this.#at++] = Number(rest & 127n) | 128;
    this.#bytes[this.#at++] = Number(rest);
  }

  double(field: number, value: number): void {
    this.#varint(field * 8 + FIXED64);
    this.#room(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  fixed64(field: number, value: bigint): void {
    this.#varint(field * 8 + FIXED64);
    this.#room(8);
    this.#view.setBigUint64(this.#at, value, true);
    this.#at += 8;
  }

  fixed32(field: number, value: number): void {
    this.#varint(field * 8 + FIXED32);
    this.#room(4);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  text(field: number, value: string): void {
    this.message(field, () => {
      this.#room(value.length * 3);
      this.#at += encoder.encodeInto(value, this.#bytes.subarray(this.#at)).written;
    });
  }

  hex(field: number, digits: string): void {
    this.message(field, () => {
      this.#room(digits.length / 2);
      for (let i = 0; i < digits.length; i += 2) {
        this.#bytes[this.#at++] = Number.parseInt(digits.slice(i, i + 2), 16);
      }
    });
  }

  /** A field whose content `write` writes; its length is put before it afterwards. */
  message(field: number, write: () => void): void {
    this.#varint(field * 8 + BYTES);
    const start = this.#at;
    write();
    const length = this.#at - start;
    this.#varint(length);
    const size = this.#at - start - length;
    this.#bytes.copyWithin(start + size, start, start + length);
    this.#at = start;
    this.#varint(length);
    this.#at = start + size + length;
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#at);
  }
}

/** `KeyValue`s with their `AnyValue` (common/v1/common.proto). */
function writeAttributes(to: Writer, field: number, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    to.message(field, () => {
      to.text(1, key);
      to.message(2, () => {
        if (typeof value === "string") to.text(1, value);
        else if (typeof value === "boolean") to.number(2, value ? 1 : 0);
        else if (Number.isInteger(value)) to.number(3, value);
        else to.double(4, value);
      });
    });
  }
}

function writeSpan(to: Writer, span: Span): void {
  to.hex(1, span.context.traceId);
  to.hex(2, span.context.spanId);
  if (span.state !== undefined) to.text(3, span.state);
  if (span.parent !== undefined) to.hex(4, span.parent.spanId);
  to.text(5, span.name);
  to.number(6, span.kind);
  to.fixed64(7, nanoseconds(span.start));
  to.fixed64(8, nanoseconds(span.end));
  writeAttributes(to, 9, span.attributes);
  if (span.failed) to.message(15, () => to.number(3, 2));
  to.fixed32(16, flagsOf(span));
}

/** An `ExportTraceServiceRequest` (collector/trace/v1/trace_service.proto). */
export function toProtobuf(spans: readonly Span[], { resource, version }: SpanOrigin): Uint8Array<ArrayBuffer> {
  const to = new Writer();
  to.message(1, () => {
    to.message(1, () => writeAttributes(to, 1, resource));
    to.message(2, () => {
      to.message(1, () => {
        to.text(1, "podway");
        to.text(2, version);
      });
      for (const span of spans) to.message(2, () => writeSpan(to, span));
    });
  });
  return to.done();
}

/** The fields of a message: numbers, and bytes where they are delimited by a length. Throws where it is none. */
function* fieldsOf(message: Uint8Array): Generator<[field: number, value: number | Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    for (let value = 0, scale = 1; at < message.length; scale *= 128) {
      const byte = message[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new Error("a message is cut off");
  };
  while (at < message.length) {
    const key = varint();
    const field = Math.floor(key / 8);
    const length = { [FIXED64]: 8, [FIXED32]: 4 }[key % 8];
    if (length !== undefined) at += length;
    else if (key % 8 === VARINT) yield [field, varint()];
    else {
      const size = varint();
      yield [field, message.subarray(at, at + size)];
      at += size;
    }
  }
}

/** Spans that the collector refused: `partial_success.rejected_spans`. Throws where its answer is no message. */
export function rejectedByProtobuf(answer: Uint8Array): number {
  for (const [field, partial] of fieldsOf(answer)) {
    if (field !== 1 || typeof partial === "number") continue;
    for (const [inner, rejected] of fieldsOf(partial)) if (inner === 1 && typeof rejected === "number") return rejected;
  }
  return 0;
}
