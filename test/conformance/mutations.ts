import { ABUSE } from "./abuse.ts";

/** What is put in at random: all that delimits, frames or begins a request. */
const BITS = [
  ..."\r\n\0 \t:,;\xff",
  "\r\n",
  "\r\n\r\n",
  "0\r\n\r\n",
  "chunked",
  "Content-Length: 5",
  "Transfer-Encoding: chunked",
  "Host: b",
  "HTTP/1.1",
  "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n",
] as const;

/** The abuse table's requests, those of ordinary size. */
const SEEDS: readonly string[] = Object.values(ABUSE)
  .map(({ bytes }) => (typeof bytes === "string" ? bytes : bytes.join("")))
  .filter((bytes) => bytes.length < 3000);

/** One of the table's requests with one to three places changed: something put in, left out, or one byte another. */
export function mutation(random: () => number): string {
  const below = (end: number): number => Math.floor(random() * end);
  let bytes = SEEDS[below(SEEDS.length)]!;
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const at = below(bytes.length);
    const put = [BITS[below(BITS.length)]!, "", String.fromCharCode(below(256))][below(3)]!;
    const left = put.length === 1 ? 1 : put === "" ? 1 + below(4) : 0;
    bytes = bytes.slice(0, at) + put + bytes.slice(at + left);
  }
  return bytes;
}
