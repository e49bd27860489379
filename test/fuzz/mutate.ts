import type { Random } from "../../src/base/clock.ts";

const encoder = new TextEncoder();

/** What breaks readers: JSON at its edges, names that mean something to the language, text that is no text. */
const TOKENS: readonly Uint8Array[] = [
  "null", "true", "-1", "0", "1e999", "0.1", '""', "[]", "{}", "[[[[", "}}", '"', "\\", "\n", "\r\n", "\u0000", ",", ":",
  '"\\ud800"', '"\\u0000"', '"__proto__":{"name":"x"}', '"constructor"', '"10.1.0.1"', '"::1"', '"999.1.1.1"', "65536",
  "18446744073709551616", '"ADDED"', '"MODIFIED"', '"DELETED"', '"BOOKMARK"', '"ERROR"', '"metadata"', '"items":null',
  '"continue":"abc"', '"resourceVersion":"1"', '"resourceVersion":"99999999"', '"resourceVersion":7',
].map((text) => encoder.encode(text)); // biome-ignore format: a table

const index = (random: Random, length: number): number => Math.floor(random() * Math.max(1, length));

function splice(bytes: Uint8Array, from: number, remove: number, put: Uint8Array): Uint8Array {
  const end = Math.min(bytes.length, from + remove);
  const out = new Uint8Array(from + put.length + bytes.length - end);
  out.set(bytes.subarray(0, from));
  out.set(put, from);
  out.set(bytes.subarray(end), from + put.length);
  return out;
}

const NOTHING = new Uint8Array();

/** A piece of `from`, up to that long. */
function piece(random: Random, from: Uint8Array, most: number): Uint8Array {
  const start = index(random, from.length);
  return from.slice(start, start + 1 + index(random, most));
}

type Mutation = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  // A bit, a byte, a digit.
  (bytes, random) => {
    const out = bytes.slice();
    out[index(random, out.length)]! ^= 1 << index(random, 8);
    return out;
  },
  (bytes, random) => {
    const out = bytes.slice();
    out[index(random, out.length)] = index(random, 256);
    return out;
  },
  (bytes, random) => {
    const out = bytes.slice();
    const start = index(random, out.length);
    const at = out.findIndex((byte, i) => i >= start && byte >= 0x30 && byte <= 0x39);
    if (at !== -1) out[at] = 0x30 + index(random, 10);
    return out;
  },
  // Something more, something less, something twice.
  (bytes, random) => splice(bytes, index(random, bytes.length), 0, TOKENS[index(random, TOKENS.length)]!),
  (bytes, random) =>
    splice(bytes, index(random, bytes.length), 1 + index(random, 12), TOKENS[index(random, TOKENS.length)]!),
  (bytes, random) => splice(bytes, index(random, bytes.length), 1 + index(random, 80), NOTHING),
  (bytes, random) => splice(bytes, index(random, bytes.length), 0, piece(random, bytes, 200)),
  (bytes, random, others) =>
    splice(
      bytes,
      index(random, bytes.length),
      index(random, 40),
      piece(random, others[index(random, others.length)]!, 300),
    ),
  // The end is missing.
  (bytes, random) => bytes.slice(0, index(random, bytes.length)),
  // A line twice, or lines in another order.
  (bytes, random) => {
    const lines = Buffer.from(bytes).toString("latin1").split("\n");
    const at = index(random, lines.length);
    const line = random() < 0.5 ? lines[at]! : lines.splice(at, 1)[0]!;
    lines.splice(index(random, lines.length), 0, line);
    return new Uint8Array(Buffer.from(lines.join("\n"), "latin1"));
  },
];

/** Bytes with one to four things wrong with them. */
export function mutate(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  let out = bytes;
  for (let count = 1 + Math.floor(random() ** 2 * 4); count > 0; count--) {
    if (out.length > 0) out = MUTATIONS[index(random, MUTATIONS.length)]!(out, random, others);
  }
  return out;
}

/** The same bytes in one to six chunks. */
export function chunksOf(bytes: Uint8Array, random: Random): Uint8Array[] {
  const cuts = Array.from({ length: index(random, 6) }, () => index(random, bytes.length)).sort((a, b) => a - b);
  return [...cuts, bytes.length]
    .map((cut, i) => bytes.subarray(i === 0 ? 0 : cuts[i - 1], cut))
    .filter(({ length }) => length > 0);
}
