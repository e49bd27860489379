/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";

const WIDTH = 120;
const HEIGHT = 28;

/** Lines through neighbouring points that are there; a point alone is drawn as a short dash. */
function pathOf(values: ArrayLike<number>, top: number): string {
  const step = WIDTH / Math.max(1, values.length - 1);
  let path = "";
  let open = false;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (Number.isNaN(value)) {
      open = false;
      continue;
    }
    // One pixel stays free at both edges, so that the line is whole.
    const y = (HEIGHT - 1 - (value / top) * (HEIGHT - 2)).toFixed(1);
    const x = index * step;
    const alone = !open && Number.isNaN(values[index + 1] ?? Number.NaN);
    if (alone) path += `M${(x - step).toFixed(1)} ${y}h${(2 * step).toFixed(1)}`;
    else path += `${open ? "L" : "M"}${x.toFixed(1)} ${y}`;
    open = true;
  }
  return path;
}

/** Nothing to see where nothing happened: of a run of zeros only the ends stay, so that a rise begins at the bottom. */
function withoutQuiet(values: ArrayLike<number>): Float32Array {
  return Float32Array.from(values, (value, index) =>
    value === 0 && !(values[index - 1]! > 0) && !(values[index + 1]! > 0) ? Number.NaN : value,
  );
}

/**
 * A line of the last minutes without axes; `label` says in words what it shows. `least`: what its top is at the least.
 */
export function Sparkline(props: {
  values: ArrayLike<number>;
  label: string;
  tone?: "accent" | "bad";
  least: number;
}): Child {
  const { values, label, tone = "accent", least } = props;
  let top = least;
  let any = false;
  for (let index = 0; index < values.length; index++) {
    if (values[index]! > 0) any = true;
    if (values[index]! > top) top = values[index]!;
  }
  return (
    <svg
      class={`spark ${tone}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path class="base" d={`M0 ${HEIGHT - 1}H${WIDTH}`} />
      {any ? <path d={pathOf(tone === "bad" ? withoutQuiet(values) : values, top)} /> : ""}
    </svg>
  );
}

const SHAPES = {
  /** A disc with a tick. */
  good: (
    <>
      <circle cx="8" cy="8" r="7" />
      <path class="mark" d="M4.8 8.3l2.2 2.2 4.2-4.6" />
    </>
  ),
  /** A ring, half filled. */
  wait: (
    <>
      <circle class="ring" cx="8" cy="8" r="6" />
      <path d="M8 2a6 6 0 0 1 0 12z" />
    </>
  ),
  /** A triangle with an exclamation mark. */
  warn: (
    <>
      <path d="M8 1.2l7.3 13.3H.7z" />
      <path class="mark" d="M8 6v4M8 12v.6" />
    </>
  ),
  /** An octagon with a cross. */
  bad: (
    <>
      <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" />
      <path class="mark" d="M5.5 5.5l5 5M10.5 5.5l-5 5" />
    </>
  ),
} as const;

/** A shape for how well something is; the words beside it say the same. */
export function Shape({ tone }: { tone: keyof typeof SHAPES }): Child {
  return (
    <svg class={`shape ${tone}`} viewBox="0 0 16 16" aria-hidden="true">
      {SHAPES[tone]}
    </svg>
  );
}
