import type { Random } from "../../../src/base/clock.ts";
import { between, pick } from "../../faults/lab/world.ts";

/** The kinds of request, and how many of a hundred are of each. */
const KINDS = {
  get: 30,
  post: 22,
  echo: 6,
  pipelined: 8,
  head: 5,
  empty: 5,
  expect: 4,
  early: 3,
  "leaves-upload": 4,
  "leaves-download": 5,
  "pod-resets": 3,
  slow: 3,
  tunnel: 2,
} as const;

/** One request of a soak. */
export interface Exchange {
  readonly id: number;
  readonly kind: keyof typeof KINDS;
  /** Bytes that go up, and that come down. */
  readonly up: number;
  readonly down: number;
  readonly upFraming: "length" | "chunked";
  readonly downFraming: "length" | "chunked" | "close";
  /** After how many bytes somebody leaves. */
  readonly cut: number;
}

const TABLE = Object.entries(KINDS).flatMap(([kind, weight]) =>
  Array<keyof typeof KINDS>(weight).fill(kind as keyof typeof KINDS),
);

/** Most bodies are small, one of some thousand has ten megabytes; sizes at the edge of common buffers come often. */
function sizeOf(random: Random): number {
  const draw = random();
  if (draw < 0.1) return 0;
  if (draw < 0.2) return pick(random, [1, 4095, 4096, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537]);
  if (draw > 0.9995) return 10_000_000;
  // Even in its logarithm, and steeper: the mean stays near ten kilobytes.
  return Math.floor(2 ** (random() ** 1.7 * 20));
}

/** Draws the request of that number. */
export function draw(id: number, random: Random): Exchange {
  const kind = pick(random, TABLE);
  const up = sizeOf(random);
  const down = sizeOf(random);
  const large = kind === "leaves-upload" || kind === "leaves-download" || kind === "pod-resets" || kind === "early";
  const extra = large ? 100_000 : 0;
  return {
    id,
    kind,
    up: up + (kind === "leaves-upload" || kind === "early" ? extra : 0),
    down: down + (kind === "leaves-download" || kind === "pod-resets" ? extra : 0),
    upFraming: pick(random, ["length", "chunked"] as const),
    downFraming: pick(random, ["length", "chunked", "close"] as const),
    cut: between(random, 0, 90_000),
  };
}

/** What a pod has to know of it, as a path; `nth` of the requests that are sent at once. */
export const pathOf = ({ id, kind, up, down, downFraming, cut }: Exchange, nth = 0): string =>
  `/${kind}/${id}/${up}/${down}/${downFraming}/${cut}/${nth}`;

/** Which noise goes up, and which comes down to the `nth` of its requests: no two bodies are alike. */
export const upBody = (id: number): number => id * 16;
export const downBody = (id: number, nth = 0): number => id * 16 + 1 + nth;

/** The same read back. */
export function planOf(path: string): Omit<Exchange, "upFraming"> & { readonly nth: number } {
  const [, kind, id, up, down, downFraming, cut, nth] = path.split("/");
  return {
    nth: Number(nth),
    kind: kind as Exchange["kind"],
    id: Number(id),
    up: Number(up),
    down: Number(down),
    downFraming: downFraming as Exchange["downFraming"],
    cut: Number(cut),
  };
}
