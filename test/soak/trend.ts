/** One measurement of a size. */
export interface Sample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly bytes: number;
}

/** How a size went after the warm-up. */
export interface Trend {
  /** What it came down to in the first and in the last third, bytes. */
  readonly before: number;
  readonly after: number;
  readonly highest: number;
  /** Of a straight line through all samples, bytes per hour. */
  readonly perHour: number;
}

/**
 * The trend of what is left after the warm-up. Between two collections a heap grows always: what is compared is the
 * low tide, the smallest values of each third.
 */
export function trendOf(samples: readonly Sample[], from: number): Trend {
  const rest = samples.filter(({ at }) => at >= from);
  if (rest.length < 6) throw new Error(`${rest.length} samples after the warm-up are too few to see a trend`);
  const third = Math.floor(rest.length / 3);
  const low = (part: readonly Sample[]): number => {
    const sorted = part.map(({ bytes }) => bytes).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 5)]!;
  };
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const at = mean(rest.map((sample) => sample.at));
  const size = mean(rest.map(({ bytes }) => bytes));
  const rise = rest.reduce((sum, sample) => sum + (sample.at - at) * (sample.bytes - size), 0);
  const run = rest.reduce((sum, sample) => sum + (sample.at - at) ** 2, 0);
  return {
    before: low(rest.slice(0, third)),
    after: low(rest.slice(-third)),
    highest: Math.max(...rest.map(({ bytes }) => bytes)),
    perHour: run === 0 ? 0 : (rise / run) * 3_600_000,
  };
}

/** What memory may vary by without growing, bytes: an allocator does not give back every page at once. */
const NOISE = 16 * 1024 * 1024;

/** True when the low tide at the end is no higher than at the beginning. */
export function isFlat({ before, after }: Trend): boolean {
  return after - before <= Math.max(NOISE, before * 0.1);
}
