import { type ConfigIssue, type Path, showPath } from "./issues.ts";
import type { Source } from "./source.ts";

/** Something the format has and this version does not do. It is refused: ignoring it would promise what is not there. */
interface NotYet {
  /** Where it stands; `*` is any key or index. */
  readonly path: readonly string[];
  /** What is refused; without it anything but an empty list. */
  readonly when?: (value: unknown) => boolean;
  readonly what: string;
}

const middleware = "middleware";

/** Delete a line when the version does it. */
const NOT_YET: readonly NotYet[] = [
  { path: ["streams"], what: "streams" },
  { path: ["tracing"], what: "tracing" },
  { path: ["server", "workers"], when: (value) => value !== 1, what: "a number of workers other than 1" },
  { path: ["server", "http3"], when: (value) => value === true, what: "http3: true" },
  { path: ["defaults", "middleware"], what: middleware },
  { path: ["routes", "*", "middleware"], what: middleware },
  { path: ["discovery", "kubernetes", "mode"], when: (value) => value === "auto", what: "mode: auto" },
  { path: ["discovery", "kubernetes", "*", "mode"], when: (value) => value === "auto", what: "mode: auto" },
  { path: ["discovery", "kubernetes", "snapshot_file"], what: "snapshot_file" },
  { path: ["discovery", "kubernetes", "*", "snapshot_file"], what: "snapshot_file" },
];

const something = (value: unknown): boolean =>
  value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);

function* matches(
  value: unknown,
  pattern: readonly string[],
  path: Path = [],
): Generator<{ path: Path; value: unknown }> {
  const [part, ...rest] = pattern;
  if (part === undefined) return yield { path, value };
  if (typeof value !== "object" || value === null) return;
  if (part === "*") {
    if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* matches(item, rest, [...path, index]);
  } else if (!Array.isArray(value) && Object.hasOwn(value, part)) {
    yield* matches((value as Record<string, unknown>)[part], rest, [...path, part]);
  }
}

/** Everything a file asks for that this version does not do. */
export function notYet(source: Source): ConfigIssue[] {
  return NOT_YET.flatMap(({ path: pattern, when = something, what }) =>
    [...matches(source.root, pattern)]
      .filter(({ value }) => something(value) && when(value))
      .map(({ path }) => source.issue(path, `${showPath(path)}: ${what} is not available in this version`, "key")),
  );
}
