/** One number of a family. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** `_bucket`, `_sum` or `_count`, of a histogram. */
  readonly suffix?: string;
  /** Labels beside `labels` that many samples share: one object for all of them is put into words once. */
  readonly shared?: Readonly<Record<string, string>>;
}

/** A metric with all its samples: what `# HELP` and `# TYPE` stand above. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

/** Labels and the number that goes with them. */
export type Point = readonly [labels: Readonly<Record<string, string>>, value: number];

const samples = (points: readonly Point[] | number): Sample[] =>
  typeof points === "number" ? [{ labels: {}, value: points }] : points.map(([labels, value]) => ({ labels, value }));

/** A number that only grows; its name ends in `_total`. */
export const counter = (name: string, help: string, points: readonly Point[] | number): Family => ({
  name,
  help,
  type: "counter",
  samples: samples(points),
});

/** A number that goes up and down. */
export const gauge = (name: string, help: string, points: readonly Point[] | number): Family => ({
  name,
  help,
  type: "gauge",
  samples: samples(points),
});

/** As Prometheus counts truth. */
export const bit = (on: boolean): 0 | 1 => (on ? 1 : 0);
