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
  /** Made when they are asked for: a large config has many. */
  samples(): readonly Sample[];
}

/** Labels and the number that goes with them. */
export type Point = readonly [labels: Readonly<Record<string, string>>, value: number];
/** One number without labels, or many with. */
export type Points = number | readonly Point[] | (() => readonly Point[]);

const samples = (points: Points) => (): Sample[] => {
  if (typeof points === "number") return [{ labels: {}, value: points }];
  const all = typeof points === "function" ? points() : points;
  return all.map(([labels, value]) => ({ labels, value }));
};

/** A number that only grows; its name ends in `_total`. */
export const counter = (name: string, help: string, points: Points): Family => ({
  name,
  help,
  type: "counter",
  samples: samples(points),
});

/** A number that goes up and down. */
export const gauge = (name: string, help: string, points: Points): Family => ({
  name,
  help,
  type: "gauge",
  samples: samples(points),
});

/** As Prometheus counts truth. */
export const bit = (on: boolean): 0 | 1 => (on ? 1 : 0);
