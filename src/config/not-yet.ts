import { type ConfigIssue, type Path, showPath } from "./issues.ts";
import type { Source } from "./source.ts";

/** Something the format has and this version does not do. It is refused: ignoring it would promise what is not there. */
interface NotYet {
  /** Where it stands; `*` is any index. */
  readonly path: readonly string[];
  /** Which of its values are refused; without it every one but an empty list. */
  readonly when?: (value: unknown) => boolean;
  /** What follows the path in the message, where only some values are refused. */
  readonly what?: string;
}

/** Delete a line when the version does it. */
const NOT_YET: readonly NotYet[] = [{ path: ["tracing"] }];

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
  return NOT_YET.flatMap(({ path: pattern, when = () => true, what = "" }) =>
    [...matches(source.root, pattern)]
      .filter(({ value }) => something(value) && when(value))
      .map(({ path }) => source.issue(path, `${showPath(path)}${what} is not available in this version`, "key")),
  );
}
